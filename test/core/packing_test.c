/*-------------------------------------------------------------------------
 *
 * packing_test.c
 *	  How much of a real cluster's GPUs the placement policies can give out:
 *	  the packing experiment on the openb trace, see test/data/README.md.
 *
 * Tasks arrive in a given order on nodes in a given order, until they have
 * asked for 130 % of the GPUs there are; each is placed or dropped, none ends.
 * That is one pass with policy traversal: nothing is given back, so a task
 * like one that was dropped is dropped.
 *
 * Usage: packing_test directory-of-data seed...
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "core.h"

#undef fprintf					/* the C library's, not the server's */
#undef printf
#undef qsort
#undef snprintf

#define NDIMS		3			/* cpu, mem, gpu */
#define GPU			2
#define MAX_LINES	20000
#define MAX_NAME	32

/* The published result of fragmentation gradient descent, in 1/1000 percent */
#define TO_REACH	95400

/* FirstFit, best fit within the node: mean of ten orders, deviation 0.060 */
#define FIRST_FIT	94567

typedef struct Line
{
	char		name[MAX_NAME];
	int64		cpu;			/* thousandths */
	int64		mem;			/* MiB */
	int64		gpu;
	int64		gpu_milli;		/* of each */
} Line;

typedef struct Table
{
	int			n;
	Line		lines[MAX_LINES];
} Table;

static Table all_nodes;
static Table all_jobs;
static Table nodes;				/* in the order of the experiment */
static Table jobs;

static int	passed;
static int	failed;

static void
check(bool ok, const char *what, int64 got)
{
	if (ok)
		passed++;
	else
	{
		failed++;
		printf("not ok: %s: %.3f %%\n", what, got / 1000.0);
	}
}

bool
core_check(bool ok, const char *format,...)
{
	(void) format;
	return ok;
}

static void
give_up(const char *what)
{
	fprintf(stderr, "packing_test: cannot read %s\n", what);
	exit(2);
}

static FILE *
open_data(const char *directory, const char *file)
{
	char		command[1024];
	FILE	   *in;
	int			c;

	snprintf(command, sizeof(command), "gzip -dc '%s/%s'", directory, file);
	in = popen(command, "r");
	if (in == NULL)
		give_up(file);
	while ((c = getc(in)) != '\n')	/* the names of the columns */
		if (c == EOF)
			give_up(file);
	return in;
}

static Line *
add_line(Table *table, const char *what)
{
	if (table->n == MAX_LINES)
		give_up(what);
	return &table->lines[table->n++];
}

/* Column by column; what is not a number is 0 */
static void
read_table(const char *directory, const char *file, bool of_jobs, Table *table)
{
	FILE	   *in = open_data(directory, file);
	char		text[512];

	while (fgets(text, sizeof(text), in) != NULL)
	{
		Line	   *line = add_line(table, file);
		int			column = 0;
		char	   *rest = text;
		char	   *field;
		int64		values[10] = {0};

		while ((field = strsep(&rest, ",")) != NULL && column < lengthof(values))
		{
			if (column == 0)
				snprintf(line->name, MAX_NAME, "%s", field);
			values[column++] = atoll(field);
		}
		line->cpu = values[of_jobs ? 5 : 2];
		line->mem = values[of_jobs ? 6 : 3];
		line->gpu = values[of_jobs ? 7 : 4];
		line->gpu_milli = of_jobs ? values[8] : PM_DEVICE_WHOLE;
	}
	if (pclose(in) != 0 || table->n == 0)
		give_up(file);
}

static int
compare_names(const void *a, const void *b)
{
	return strcmp(((const Line *) a)->name, ((const Line *) b)->name);
}

/* Nodes and jobs in the order of one experiment */
static void
read_order(const char *directory, const char *seed)
{
	char		file[64];
	char		text[128];
	FILE	   *in;

	snprintf(file, sizeof(file), "openb_packing_%s.csv.gz", seed);
	in = open_data(directory, file);
	nodes.n = jobs.n = 0;
	while (fgets(text, sizeof(text), in) != NULL)
	{
		char	   *name = strchr(text, ',');
		bool		is_job = strncmp(text, "job,", 4) == 0;
		const Table *from = is_job ? &all_jobs : &all_nodes;
		Line		key;
		const Line *found;

		if (name == NULL)
			give_up(file);
		snprintf(key.name, MAX_NAME, "%s", name + 1);
		key.name[strcspn(key.name, "\n")] = '\0';
		found = bsearch(&key, from->lines, from->n, sizeof(Line), compare_names);
		if (found == NULL)
			give_up(key.name);
		*add_line(is_job ? &jobs : &nodes, file) = *found;
	}
	if (pclose(in) != 0 || nodes.n == 0 || jobs.n == 0)
		give_up(file);
}

static PmCluster *
make_cluster(void)
{
	PmCluster  *cluster = palloc0(sizeof(PmCluster));

	cluster->ndims = NDIMS;
	cluster->nconfigs = 1;
	cluster->configs = palloc0(sizeof(PmNodeConfig));
	cluster->nnodes = nodes.n;
	cluster->nodes = palloc0(sizeof(PmNode) * nodes.n);
	for (int n = 0; n < nodes.n; n++)
	{
		const Line *line = &nodes.lines[n];
		PmNode	   *node = &cluster->nodes[n];
		int64	   *amounts = palloc(sizeof(int64) * 2 * NDIMS);

		node->node_id = n + 1;
		node->accelerator = GPU;
		node->ndevices = (int) line->gpu;
		amounts[0] = line->cpu;
		amounts[1] = line->mem << 20;
		amounts[GPU] = line->gpu * PM_DEVICE_WHOLE;
		memcpy(amounts + NDIMS, amounts, sizeof(int64) * NDIMS);
		node->capacity = amounts;
		node->free = amounts + NDIMS;
		node->device_free = palloc(sizeof(int32) * node->ndevices);
		for (int i = 0; i < node->ndevices; i++)
			node->device_free[i] = PM_DEVICE_WHOLE;
	}
	return cluster;
}

/* The number of a request like this, made if there is none */
static int
request_of(PmQueue *queue, const Line *line)
{
	int64		amounts[NDIMS] = {line->cpu, line->mem << 20, line->gpu * line->gpu_milli};
	int64	   *kept;
	int			r;

	for (r = 0; r < queue->nrequests; r++)
		if (memcmp(queue->requests[r].amounts, amounts, sizeof(amounts)) == 0)
			return r;
	kept = palloc(sizeof(amounts));
	memcpy(kept, amounts, sizeof(amounts));
	queue->requests[r].amounts = kept;
	return queue->nrequests++;
}

static PmQueue *
make_queue(void)
{
	PmQueue    *queue = palloc0(sizeof(PmQueue));
	PmShape    *shapes;

	queue->requests = palloc0(sizeof(PmRequest) * jobs.n);
	queue->nlanes = 1;
	queue->njobs = jobs.n;
	queue->jobs = palloc0(sizeof(PmJob) * jobs.n);
	for (int i = 0; i < jobs.n; i++)
	{
		queue->jobs[i].job_id = i + 1;
		queue->jobs[i].submitted_at = i;
		queue->jobs[i].shape = request_of(queue, &jobs.lines[i]);
	}
	queue->nshapes = queue->nrequests;
	queue->shapes = shapes = palloc0(sizeof(PmShape) * queue->nshapes);
	for (int s = 0; s < queue->nshapes; s++)
	{
		PmTaskGroup *group = palloc0(sizeof(PmTaskGroup));

		group->request = s;
		group->replicas = group->min_replicas = 1;
		shapes[s].ngroups = 1;
		shapes[s].groups = group;
	}
	return queue;
}

static int64
demand(int job)
{
	return jobs.lines[job].gpu * jobs.lines[job].gpu_milli;
}

/*
 * What is given out of the GPUs, in 1/1000 percent, by the time at which they
 * have been asked for as a whole, and at the end
 */
static int64
run(PmPlacementPolicy placement, int64 *at_hundred)
{
	PmPolicy	policy = {.queue = PM_QUEUE_TRAVERSAL,.placement = placement};
	PmCluster  *cluster;
	PmQueue    *queue;
	PmDecision *decision;
	int64		total = 0;
	int64		arrived = 0;
	int64		given = 0;
	int64		taken = 0;
	int			next = 0;

	core_fresh_memory();
	cluster = make_cluster();
	queue = make_queue();
	for (int n = 0; n < nodes.n; n++)
		total += cluster->nodes[n].capacity[GPU];
	decision = pm_pass(cluster, queue, &policy);
	*at_hundred = -1;
	for (int i = 0; i < jobs.n; i++)
	{
		arrived += demand(i);
		if (next < decision->nstarts && decision->starts[next].job == i)
		{
			given += demand(i);
			next++;
		}
		if (*at_hundred < 0 && arrived >= total)
			*at_hundred = given * 100000 / total;
	}
	for (int n = 0; n < nodes.n; n++)
		taken += cluster->nodes[n].capacity[GPU] - cluster->nodes[n].free[GPU];
	check(next == decision->nstarts && taken == given, "what tasks got is what nodes gave",
		  taken * 100000 / total);
	check(arrived * 1000 / total >= 1299, "tasks ask for 130 %", arrived * 100000 / total);
	return given * 100000 / total;
}

int
main(int argc, char **argv)
{
	if (argc < 3)
		give_up("arguments");
	read_table(argv[1], "openb_nodes.csv.gz", false, &all_nodes);
	read_table(argv[1], "openb_jobs.csv.gz", true, &all_jobs);
	qsort(all_nodes.lines, all_nodes.n, sizeof(Line), compare_names);
	qsort(all_jobs.lines, all_jobs.n, sizeof(Line), compare_names);
	for (int i = 2; i < argc; i++)
	{
		int64		at_hundred;
		int64		pack;
		int64		first_fit;

		read_order(argv[1], argv[i]);
		first_fit = run(PM_PLACE_FIRST_FIT, &at_hundred);
		printf("order %s: first_fit %.3f %% at 100 %%, %.3f %% at 130 %%\n", argv[i],
			   at_hundred / 1000.0, first_fit / 1000.0);
		check(labs(first_fit - FIRST_FIT) < 180, "first_fit as elsewhere", first_fit);
		pack = run(PM_PLACE_PACK, &at_hundred);
		printf("order %s: pack      %.3f %% at 100 %%, %.3f %% at 130 %%\n", argv[i],
			   at_hundred / 1000.0, pack / 1000.0);
		check(pack >= TO_REACH, "pack", pack);
	}
	core_free_memory();
	printf("%d passed, %d failed\n", passed, failed);
	return failed > 0;
}
