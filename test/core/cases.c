/*-------------------------------------------------------------------------
 *
 * cases.c
 *	  Cases made by hand, with results worked out by hand.
 *
 * Cases named in the style of order-001 are those of the collection of
 * scheduling cases with that name; what they call the reason "capacity" is
 * split here into exceeds_max, resources and fragmented.
 *
 * A result is written in one line:
 *		start JOB [gGROUP] nNODE xREPLICAS [dDEVICE,...[@SHARE]]
 *		wait JOB REASON [LEVEL DIMENSION NEEDED/AVAILABLE]
 * starts in the order of the pass, then those that wait in queue order.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "core.h"

#undef snprintf					/* the C library's, not the server's */
#undef vsnprintf

#define NDIMS		3			/* by name: cpu, mem, gpu */
#define MAX_NODES	4
#define MAX_JOBS	6
#define MAX_GROUPS	2

#define GIB			(INT64CONST(1) << 30)
#define FIFO		PM_QUEUE_FIFO
#define TRAVERSAL	PM_QUEUE_TRAVERSAL
#define RESERVE		PM_QUEUE_RESERVE

typedef struct CaseNode
{
	int64		capacity[NDIMS];
	int64		used[NDIMS];
	int			ngpus;			/* tracked one by one if not 0 */
	int32		gpu_used[8];
	PmLabel		label;			/* key 0: none */
	PmLabel		taint;			/* key 0: none */
} CaseNode;

typedef struct CaseGroup
{
	int			replicas;
	int			min;			/* 0: all */
	int64		request[NDIMS];
} CaseGroup;

typedef struct CaseJob
{
	int			id;
	int			priority;
	int			submitted;
	int			lane;
	bool		restarted;
	CaseGroup	groups[MAX_GROUPS];
	PmLabel		selector;		/* key 0: none */
	PmLabel		toleration;		/* key 0: none */
	bool		impossible;
} CaseJob;

typedef struct Case
{
	const char *name;
	PmQueuePolicy queue;
	PmPlacementPolicy placement;
	CaseNode	nodes[MAX_NODES];	/* up to the first without capacity */
	CaseJob		jobs[MAX_JOBS]; /* up to the first without id */
	const char *expected;
} Case;

static const Case cases[] = {
	/* From the collection */
	{
		"gang-001-one-node", TRAVERSAL, PM_PLACE_PACK,
		{{{0, 0, 2000}, .ngpus = 2}},
		{{1, .groups = {{2, 0, {0, 0, 1000}}}}},
		"start 1 n0 x2 d0,1"
	},
	{
		"gang-003-too-big", TRAVERSAL, PM_PLACE_PACK,
		{{{0, 0, 2000}, .ngpus = 2}},
		{{1, .groups = {{2, 0, {0, 0, 2000}}}}},
		"wait 1 exceeds_max pool replicas 2/1"
	},
	{
		"place-002-taints", TRAVERSAL, PM_PLACE_PACK,
		{{{32000}, .taint = {5, 1}}},
		{
			{1, .submitted = 0, .groups = {{1, 0, {1000}}}},
			{2, .submitted = 1, .groups = {{1, 0, {1000}}}, .toleration = {5, 1}}
		},
		"start 2 n0 x1; wait 1 no_matching_node"
	},
	{
		"place-004-drained-node: it is not handed to the engine", TRAVERSAL, PM_PLACE_PACK,
		{{{0}}},
		{{1, .groups = {{1, 0, {1000}}}}},
		"wait 1 no_matching_node"
	},
	{
		"place-005-drain-other-node", TRAVERSAL, PM_PLACE_PACK,
		{{{32000}}},
		{{1, .groups = {{1, 0, {1000}}}}},
		"start 1 n0 x1"
	},
	{
		"place-006-down-gang", TRAVERSAL, PM_PLACE_PACK,
		{{{8000}}},
		{{1, .groups = {{2, 0, {8000}}}}},
		"wait 1 exceeds_max pool replicas 2/1"
	},
	{
		"place-007-gpu-missing", TRAVERSAL, PM_PLACE_PACK,
		{{{8000, 0, 1000}, .ngpus = 1}, {{8000}}},
		{{1, .groups = {{2, 0, {8000, 0, 1000}}}}},
		"wait 1 exceeds_max pool replicas 2/1"
	},
	{
		"place-013-pods-slots (pods in place of mem)", TRAVERSAL, PM_PLACE_PACK,
		{{{4000, 1000}, {1000, 1000}}},
		{{1, .groups = {{1, 0, {1000, 1000}}}}},
		"wait 1 resources pool mem 1000/0"
	},
	{
		"place-014-foreign-usage", TRAVERSAL, PM_PLACE_PACK,
		{{{1000}, {600}}},
		{{1, .groups = {{1, 0, {600}}}}},
		"wait 1 resources pool cpu 600/400"
	},
	{
		"order-001-positions", TRAVERSAL, PM_PLACE_PACK,
		{{{4000}}},
		{
			{2, 50, 0, 0, .groups = {{1, 0, {1000}}}},
			{4, 50, 1, 1, .groups = {{1, 0, {1000}}}},
			{3, 100, 1, 1, .groups = {{1, 0, {1000}}}},
			{1, 100, 0, 0, .groups = {{1, 0, {1000}}}}
		},
		"start 1 n0 x1; start 3 n0 x1; start 2 n0 x1; start 4 n0 x1"
	},
	{
		"order-005-tie-by-submit-then-id", TRAVERSAL, PM_PLACE_PACK,
		{{{3000}}},
		{
			{3, 5, 10, .groups = {{1, 0, {1000}}}},
			{1, 5, 10, .groups = {{1, 0, {1000}}}},
			{2, 5, 5, .groups = {{1, 0, {1000}}}}
		},
		"start 2 n0 x1; start 1 n0 x1; start 3 n0 x1"
	},
	{
		"elastic-002-partial", TRAVERSAL, PM_PLACE_PACK,
		{{{0, 0, 1000}, .ngpus = 1}},
		{{1, .groups = {{2, 1, {0, 0, 1000}}}}},
		"start 1 n0 x1 d0"
	},
	{
		"elastic-003-two-jobs", TRAVERSAL, PM_PLACE_PACK,
		{{{0, 0, 5000}, .ngpus = 5}},
		{
			{1, .submitted = 0, .groups = {{3, 1, {0, 0, 1000}}}},
			{2, .submitted = 1, .groups = {{3, 1, {0, 0, 1000}}}}
		},
		"start 1 n0 x3 d0,1,2; start 2 n0 x2 d3,4"
	},
	{
		"admit-022-best-effort-fifo-passes (quota as a node)", TRAVERSAL, PM_PLACE_PACK,
		{{{5000}}},
		{
			{1, 100, 0, .groups = {{1, 0, {2000}}}},
			{2, 10, 1, .groups = {{1, 0, {5000}}}},
			{3, 1, 2, .groups = {{1, 0, {1000}}}}
		},
		"start 1 n0 x1; start 3 n0 x1; wait 2 resources pool cpu 5000/2000"
	},

	/* Order and lanes */
	{
		"restarted after a fault: first of its priority, not before a higher one",
		TRAVERSAL, PM_PLACE_PACK,
		{{{3000}}},
		{
			{1, 1, 0, .groups = {{1, 0, {1000}}}},
			{2, 1, 9, .restarted = true, .groups = {{1, 0, {1000}}}},
			{3, 2, 9, .groups = {{1, 0, {1000}}}}
		},
		"start 3 n0 x1; start 2 n0 x1; start 1 n0 x1"
	},
	{
		"fifo: a blocked head blocks its lane and no other", FIFO, PM_PLACE_PACK,
		{{{4000}}},
		{
			{1, 1, 0, 0, .groups = {{1, 0, {2000}}}},
			{2, 1, 1, 0, .groups = {{1, 0, {4000}}}},
			{3, 1, 2, 0, .groups = {{1, 0, {1000}}}},
			{4, 1, 3, 1, .groups = {{1, 0, {1000}}}}
		},
		"start 1 n0 x1; start 4 n0 x1; wait 2 resources pool cpu 4000/1000; wait 3 behind_head"
	},

	/* Matching */
	{
		"a selector picks the labelled node", TRAVERSAL, PM_PLACE_PACK,
		{{{8000}}, {{8000}, .label = {7, 3}}, {{8000}, .label = {7, 4}}},
		{
			{1, .submitted = 0, .groups = {{1, 0, {1000}}}, .selector = {7, 4}},
			{2, .submitted = 1, .groups = {{1, 0, {1000}}}, .selector = {7, 5}}
		},
		"start 1 n2 x1; wait 2 no_matching_node"
	},
	{
		"tolerations: any value of a key, any key", TRAVERSAL, PM_PLACE_FIRST_FIT,
		{{{1000}, .taint = {5, 1}}, {{1000}, .taint = {6, 1}}},
		{
			{1, .submitted = 0, .groups = {{1, 0, {1000}}}, .toleration = {6, PM_ANY_VALUE}},
			{2, .submitted = 1, .groups = {{1, 0, {1000}}}, .toleration = {PM_ANY_KEY, PM_ANY_VALUE}},
			{3, .submitted = 2, .groups = {{1, 0, {1000}}}, .toleration = {5, 2}}
		},
		"start 1 n1 x1; start 2 n0 x1; wait 3 no_matching_node"
	},
	{
		"a resource that no node has", TRAVERSAL, PM_PLACE_PACK,
		{{{8000}}},
		{{1, .groups = {{1, 0, {1000}}}, .impossible = true}},
		"wait 1 no_matching_node"
	},

	/* Devices */
	{
		"a fraction goes to the fullest device with room", TRAVERSAL, PM_PLACE_PACK,
		{{{0, 0, 4000}, .ngpus = 4, .gpu_used = {0, 300, 700, 600}}},
		{
			{1, .submitted = 0, .groups = {{1, 0, {0, 0, 400}}}},
			{2, .submitted = 1, .groups = {{1, 0, {0, 0, 400}}}},
			{3, .submitted = 2, .groups = {{1, 0, {0, 0, 400}}}}
		},
		"start 1 n0 x1 d3@400; start 2 n0 x1 d1@400; start 3 n0 x1 d0@400"
	},
	{
		"equally full devices: the lowest number", TRAVERSAL, PM_PLACE_PACK,
		{{{0, 0, 3000}, .ngpus = 3, .gpu_used = {0, 500, 500}}},
		{{1, .groups = {{3, 0, {0, 0, 500}}}}},
		"start 1 n0 x3 d1,2,0@500"
	},
	{
		"a whole device is not made of halves", TRAVERSAL, PM_PLACE_PACK,
		{{{0, 0, 2000}, .ngpus = 2, .gpu_used = {500, 500}}},
		{{1, .groups = {{1, 0, {0, 0, 1000}}}}},
		"wait 1 fragmented node gpu 1000/0"
	},
	{
		"two whole devices: the free ones with the lowest numbers", TRAVERSAL, PM_PLACE_PACK,
		{{{0, 0, 4000}, .ngpus = 4, .gpu_used = {100}}},
		{{1, .groups = {{1, 0, {0, 0, 2000}}}}},
		"start 1 n0 x1 d1,2"
	},
	{
		"a fraction larger than what any device has left", TRAVERSAL, PM_PLACE_PACK,
		{{{0, 0, 2000}, .ngpus = 2, .gpu_used = {700, 600}}},
		{{1, .groups = {{1, 0, {0, 0, 500}}}}},
		"wait 1 fragmented node gpu 500/400"
	},

	/* Placement */
	{
		"pack: without accelerator to nodes without one, though they are emptier",
		TRAVERSAL, PM_PLACE_PACK,
		{{{8000, 0, 1000}, {4000}, .ngpus = 1}, {{8000}}},
		{{1, .groups = {{1, 0, {4000}}}}},
		"start 1 n1 x1"
	},
	{
		"pack: but it may use a node with one when nothing else is left",
		TRAVERSAL, PM_PLACE_PACK,
		{{{8000, 0, 1000}, .ngpus = 1}, {{8000}, {5000}}},
		{{1, .groups = {{1, 0, {4000}}}}},
		"start 1 n0 x1"
	},
	{
		"pack: least free accelerator comes before least dominant share",
		TRAVERSAL, PM_PLACE_PACK,
		{
			{{8000, 0, 4000}, {6000, 0, 1000}, .ngpus = 4, .gpu_used = {1000}},
			{{8000, 0, 4000}, {0, 0, 2000}, .ngpus = 4, .gpu_used = {1000, 1000}}
		},
		{{1, .groups = {{1, 0, {1000, 0, 1000}}}}},
		"start 1 n1 x1 d2"
	},
	{
		"pack: least dominant free share, whatever the size of the node",
		TRAVERSAL, PM_PLACE_PACK,
		/* free after: 3/8 and 5/8 -> 5/8; 9/16 and 1/16 -> 9/16; 2/4 and 3/4 -> 3/4 */
		{
			{{8000, 8 * GIB}, {4000, 2 * GIB}},
			{{16000, 16 * GIB}, {6000, 14 * GIB}},
			{{4000, 4 * GIB}, {1000, 0}}
		},
		{{1, .groups = {{1, 0, {1000, 1 * GIB}}}}},
		"start 1 n1 x1"
	},
	{
		"pack: equal shares of unequal nodes tie, the first made wins",
		TRAVERSAL, PM_PLACE_PACK,
		{{{6000}, {3000}}, {{3000}, {1000}}, {{9000}, {5000}}},
		/* left over: 2/6, 1/3, 3/9 */
		{{1, .groups = {{1, 0, {1000}}}}},
		"start 1 n0 x1"
	},
	{
		"pack: exact tie goes to node order", TRAVERSAL, PM_PLACE_PACK,
		{{{3000}}, {{3000}}, {{6000}, {2000}}},
		/* left over: 2/3, 2/3, 3/6; then nothing on all three; then -, 1/6, 1/12 */
		{
			{1, .submitted = 0, .groups = {{1, 0, {1000}}}},
			{2, .submitted = 1, .groups = {{1, 0, {3000}}}},
			{3, .submitted = 2, .groups = {{1, 0, {2500}}}}
		},
		"start 1 n2 x1; start 2 n0 x1; start 3 n2 x1"
	},
	{
		"first_fit: node order", TRAVERSAL, PM_PLACE_FIRST_FIT,
		{{{8000}, {7500}}, {{8000}}, {{8000}, {7000}}},
		{{1, .groups = {{1, 0, {1000}}}}},
		"start 1 n1 x1"
	},
	{
		"a gang over several nodes, fullest first", TRAVERSAL, PM_PLACE_PACK,
		{
			{{0, 0, 2000}, .ngpus = 2},
			{{0, 0, 2000}, .ngpus = 2, .gpu_used = {1000}},
			{{0, 0, 2000}, .ngpus = 2}
		},
		{{1, .groups = {{4, 0, {0, 0, 1000}}}}},
		"start 1 n1 x1 d1 n0 x2 d0,1 n2 x1 d0"
	},
	{
		"a gang that does not fit leaves everything as it was", TRAVERSAL, PM_PLACE_PACK,
		{{{4000}}, {{4000}, {3000}}},
		{
			{1, .submitted = 0, .groups = {{4, 0, {2000}}}},
			{2, .submitted = 1, .groups = {{1, 0, {4000}}}},
			{3, .submitted = 2, .groups = {{1, 0, {1000}}}}
		},
		"start 2 n0 x1; start 3 n1 x1; wait 1 resources pool cpu 8000/0"
	},
	{
		"two groups: the harder one first, all or nothing", TRAVERSAL, PM_PLACE_PACK,
		{{{4000, 0, 1000}, .ngpus = 1}, {{2000}}},
		{{1, .groups = {{3, 0, {1000}}, {1, 0, {3000, 0, 1000}}}}},
		"start 1 g1 n0 x1 d0 g0 n1 x2 g0 n0 x1"
	},
	{
		"two groups: minimum of both before more of either", TRAVERSAL, PM_PLACE_PACK,
		{{{3000}}},
		{{1, .groups = {{3, 1, {1000}}, {3, 1, {1000}}}}},
		"start 1 g0 n0 x2 g1 n0 x1"
	},

	/* Reasons */
	{
		"exceeds_max: one replica is too large for every node", TRAVERSAL, PM_PLACE_PACK,
		{{{4000}}, {{6000}, {6000}}},
		{{1, .groups = {{1, 0, {8000}}}}},
		"wait 1 exceeds_max node cpu 8000/6000"
	},
	{
		"exceeds_max: only matching nodes count", TRAVERSAL, PM_PLACE_PACK,
		{{{4000}}, {{4000}, .label = {7, 1}}},
		{{1, .groups = {{2, 0, {4000}}}, .selector = {7, 1}}},
		"wait 1 exceeds_max pool replicas 2/1"
	},
	{
		"exceeds_max: the groups fit alone but not together", TRAVERSAL, PM_PLACE_PACK,
		{{{4000}}},
		{{1, .groups = {{1, 0, {4000}}, {1, 0, {1000}}}}},
		"wait 1 exceeds_max pool replicas 2/1"
	},
	{
		"resources: the dimension with the largest relative lack", TRAVERSAL, PM_PLACE_PACK,
		{{{8000, 8 * GIB}, {6000, 7 * GIB}}},
		/* lacking 2 of 4 cores and 3 of 4 GiB */
		{{1, .groups = {{1, 0, {4000, 4 * GIB}}}}},
		"wait 1 resources pool mem 4294967296/1073741824"
	},
	{
		"resources: a gang is counted with its minimum", TRAVERSAL, PM_PLACE_PACK,
		{{{4000}, {1000}}, {{4000}, {3000}}},
		{{1, .groups = {{6, 5, {1000}}}}},
		"wait 1 resources pool cpu 5000/4000"
	},
	{
		"fragmented: enough in all, the best node has too little", TRAVERSAL, PM_PLACE_PACK,
		{{{4000}, {2000}}, {{4000}, {1000}}},
		{{1, .groups = {{1, 0, {4000}}}}},
		"wait 1 fragmented node cpu 4000/3000"
	},
	{
		"fragmented: part of a gang fits", TRAVERSAL, PM_PLACE_PACK,
		{{{4000}, {1000}}, {{4000}, {1000}}},
		{{1, .groups = {{3, 0, {2000}}}}},
		"wait 1 fragmented pool replicas 3/2"
	},
	{
		"fragmented: each dimension is there, not on one node", TRAVERSAL, PM_PLACE_PACK,
		{{{4000, 4 * GIB}, {0, 3 * GIB}}, {{4000, 4 * GIB}, {2000, 0}}},
		/* first lacks 3 of 4 GiB, second 2 of 4 cores */
		{{1, .groups = {{1, 0, {4000, 4 * GIB}}}}},
		"wait 1 fragmented node cpu 4000/2000"
	},
	{
		"started, and another of the same shape not", TRAVERSAL, PM_PLACE_PACK,
		{{{4000}}},
		{
			{1, .submitted = 0, .groups = {{1, 0, {3000}}}},
			{2, .submitted = 1, .groups = {{1, 0, {3000}}}}
		},
		"start 1 n0 x1; wait 2 resources pool cpu 3000/1000"
	},

	/* Reserve */
	{
		"reserve: what is free for the blocked job is withheld", RESERVE, PM_PLACE_PACK,
		{{{4000}, {1000}}, {{4000}, {3000}}},
		/* job 1 lacks least on node 0 and gets its 3 cores; node 1 stays open */
		{
			{1, .submitted = 0, .groups = {{1, 0, {4000}}}},
			{2, .submitted = 1, .groups = {{1, 0, {1000}}}},
			{3, .submitted = 2, .groups = {{1, 0, {2000}}}}
		},
		"start 2 n1 x1; wait 1 resources pool cpu 4000/3000; wait 3 reserved pool cpu 2000/0"
	},
	{
		"reserve: a job that lacks only what is withheld withholds too", RESERVE, PM_PLACE_PACK,
		{{{4000}, {1000}}, {{4000}, {3000}}},
		/* job 1 has node 0; job 2 lacks 2 cores there, 1 on node 1: takes that */
		{
			{1, .submitted = 0, .groups = {{1, 0, {4000}}}},
			{2, .submitted = 1, .groups = {{1, 0, {2000}}}},
			{3, .submitted = 2, .groups = {{1, 0, {1000}}}}
		},
		"wait 1 fragmented node cpu 4000/3000; wait 2 reserved pool cpu 2000/0; "
		"wait 3 reserved pool cpu 1000/0"
	},
	{
		"reserve: no more than the request is withheld", RESERVE, PM_PLACE_PACK,
		{{{8000, 0, 2000}, {0, 0, 1000}, .ngpus = 2, .gpu_used = {1000}}},
		{
			{1, .submitted = 0, .groups = {{1, 0, {3000, 0, 2000}}}},
			{2, .submitted = 1, .groups = {{1, 0, {5000}}}},
			{3, .submitted = 2, .groups = {{1, 0, {1000}}}}
		},
		"start 2 n0 x1; wait 1 resources pool gpu 2000/1000; wait 3 reserved pool cpu 1000/0"
	},
	{
		"reserve: devices in part use are withheld whole", RESERVE, PM_PLACE_PACK,
		{{{0, 0, 2000}, .ngpus = 2, .gpu_used = {500, 300}}},
		{
			{1, .submitted = 0, .groups = {{1, 0, {0, 0, 1000}}}},
			{2, .submitted = 1, .groups = {{1, 0, {0, 0, 500}}}},
			{3, .submitted = 2, .groups = {{1, 0, {0, 0, 600}}}}
		},
		"start 2 n0 x1 d0@500; wait 1 resources pool gpu 1000/700; "
		"wait 3 reserved pool gpu 600/0"
	},
	{
		"reserve: replicas count together against a node's capacity", RESERVE, PM_PLACE_PACK,
		{{{4000}, {1000}}, {{4000}, {3000}}, {{2000}}},
		/* one replica each on nodes 0 and 1; node 2 could not hold one */
		{
			{1, .submitted = 0, .groups = {{2, 0, {3000}}}},
			{2, .submitted = 1, .groups = {{1, 0, {1000}}}},
			{3, .submitted = 2, .groups = {{1, 0, {2000}}}}
		},
		"start 2 n2 x1; wait 1 resources pool cpu 6000/5000; wait 3 reserved pool cpu 2000/1000"
	},
	{
		"reserve: what can never fit withholds nothing", RESERVE, PM_PLACE_PACK,
		{{{4000}, {1000}}},
		{
			{1, .submitted = 0, .groups = {{1, 0, {5000}}}},
			{2, .submitted = 1, .groups = {{1, 0, {3000}}}}
		},
		"start 2 n0 x1; wait 1 exceeds_max node cpu 5000/4000"
	},
	{
		"reserve: two blocked jobs withhold one after the other", RESERVE, PM_PLACE_PACK,
		{{{4000}, {2000}}, {{4000}, {2000}}},
		{
			{1, .submitted = 0, .groups = {{1, 0, {4000}}}},
			{2, .submitted = 1, .groups = {{1, 0, {4000}}}},
			{3, .submitted = 2, .groups = {{1, 0, {1000}}}}
		},
		"wait 1 fragmented node cpu 4000/2000; wait 2 fragmented node cpu 4000/2000; "
		"wait 3 reserved pool cpu 1000/0"
	},
};

static char line[2000];

static void write_out(const char *format,...) pg_attribute_printf(1, 2);

static void
write_out(const char *format,...)
{
	size_t		used = strlen(line);
	va_list		args;

	va_start(args, format);
	vsnprintf(line + used, sizeof(line) - used, format, args);
	va_end(args);
}

static PmLabel *
keep_label(const PmLabel *label, int *n)
{
	PmLabel    *copy = palloc(sizeof(PmLabel));

	*copy = *label;
	*n = label->key != 0;
	return copy;
}

static PmCluster *
build_cluster(const Case *c)
{
	PmCluster  *cluster = palloc0(sizeof(PmCluster));
	PmNodeConfig *configs = palloc0(sizeof(PmNodeConfig) * MAX_NODES);

	cluster->ndims = NDIMS;
	cluster->configs = configs;
	cluster->nodes = palloc0(sizeof(PmNode) * MAX_NODES);
	for (int n = 0; n < MAX_NODES; n++)
	{
		const CaseNode *from = &c->nodes[n];
		PmNode	   *node = &cluster->nodes[n];

		if (from->capacity[0] + from->capacity[1] + from->capacity[2] == 0)
			break;
		configs[n].labels = keep_label(&from->label, &configs[n].nlabels);
		configs[n].taints = keep_label(&from->taint, &configs[n].ntaints);
		node->node_id = n + 1;
		node->config = n;
		node->capacity = from->capacity;
		node->accelerator = from->ngpus > 0 ? 2 : -1;
		node->ndevices = from->ngpus;
		node->free = palloc(sizeof(int64) * NDIMS);
		node->device_free = palloc(sizeof(int32) * 8);
		for (int d = 0; d < NDIMS; d++)
			node->free[d] = from->capacity[d] - from->used[d];
		if (from->ngpus > 0)
			node->free[2] = 0;
		for (int i = 0; i < from->ngpus; i++)
		{
			node->device_free[i] = PM_DEVICE_WHOLE - from->gpu_used[i];
			node->free[2] += node->device_free[i];
		}
		cluster->nnodes = cluster->nconfigs = n + 1;
	}
	return cluster;
}

/* The index of this request among those seen, equal ones sharing it */
static int
find_request(PmQueue *queue, const CaseJob *job, const CaseGroup *group)
{
	PmRequest	request = {0};
	int			r;

	request.amounts = group->request;
	request.impossible = job->impossible;
	request.selectors = keep_label(&job->selector, &request.nselectors);
	request.tolerations = keep_label(&job->toleration, &request.ntolerations);
	for (r = 0; r < queue->nrequests; r++)
	{
		const PmRequest *other = &queue->requests[r];

		if (memcmp(other->amounts, request.amounts, sizeof(int64) * NDIMS) == 0 &&
			other->impossible == request.impossible &&
			other->selectors[0].key == request.selectors[0].key &&
			other->selectors[0].value == request.selectors[0].value &&
			other->tolerations[0].key == request.tolerations[0].key &&
			other->tolerations[0].value == request.tolerations[0].value)
			return r;
	}
	queue->requests[r] = request;
	return queue->nrequests++;
}

static PmQueue *
build_queue(const Case *c)
{
	PmQueue    *queue = palloc0(sizeof(PmQueue));
	PmShape    *shapes = palloc0(sizeof(PmShape) * MAX_JOBS);

	queue->requests = palloc0(sizeof(PmRequest) * MAX_JOBS * MAX_GROUPS);
	queue->shapes = shapes;
	queue->jobs = palloc0(sizeof(PmJob) * MAX_JOBS);
	queue->nlanes = 2;
	for (int i = 0; i < MAX_JOBS && c->jobs[i].id != 0; i++)
	{
		const CaseJob *from = &c->jobs[i];
		PmTaskGroup *groups = palloc0(sizeof(PmTaskGroup) * MAX_GROUPS);
		PmJob	   *job = &queue->jobs[queue->njobs++];
		int			n = 0;
		int			s;

		for (; n < MAX_GROUPS && from->groups[n].replicas > 0; n++)
		{
			groups[n].request = find_request(queue, from, &from->groups[n]);
			groups[n].replicas = from->groups[n].replicas;
			groups[n].min_replicas = from->groups[n].min ? from->groups[n].min :
				from->groups[n].replicas;
		}
		for (s = 0; s < queue->nshapes; s++)
			if (shapes[s].ngroups == n &&
				memcmp(shapes[s].groups, groups, sizeof(PmTaskGroup) * n) == 0)
				break;
		if (s == queue->nshapes)
		{
			shapes[s].ngroups = n;
			shapes[s].groups = groups;
			queue->nshapes++;
		}
		job->job_id = from->id;
		job->submitted_at = from->submitted;
		job->shape = s;
		job->lane = from->lane;
		job->priority = from->priority;
		job->restarted = from->restarted;
	}
	return queue;
}

static void
write_start(const PmDecision *decision, const PmQueue *queue, const PmStart *start)
{
	const PmJob *job = &queue->jobs[start->job];

	write_out("%sstart %d", line[0] ? "; " : "", (int) job->job_id);
	for (int p = 0; p < start->nplacements; p++)
	{
		const PmPlacement *placement = &decision->placements[start->first_placement + p];

		if (queue->shapes[job->shape].ngroups > 1)
			write_out(" g%d", placement->group);
		write_out(" n%d x%d", placement->node, placement->replicas);
		for (int i = 0; i < placement->ndevices; i++)
			write_out("%s%d", i == 0 ? " d" : ",",
					  decision->devices[placement->first_device + i]);
		if (placement->device_share % PM_DEVICE_WHOLE != 0)
			write_out("@%d", placement->device_share);
	}
}

static void
write_wait(const PmDecision *decision, const PmQueue *queue, int j)
{
	static const char *const names[] = {"replicas", "none", "cpu", "mem", "gpu"};
	const PmJob *job = &queue->jobs[j];
	const PmBlock *block = &decision->blocks[job->shape];
	int			head = decision->blocked_by[job->lane];

	write_out("%swait %d ", line[0] ? "; " : "", (int) job->job_id);
	if (head >= 0 && head != j)
	{
		write_out("%s", pm_reason_name(PM_REASON_BEHIND_HEAD));
		return;
	}
	write_out("%s", pm_reason_name(block->reason));
	if (block->level != PM_LEVEL_NONE)
		write_out(" %s %s %lld/%lld", pm_level_name(block->level),
				  names[block->dimension + 2],
				  (long long) block->needed, (long long) block->available);
}

static void
run_case(const Case *c)
{
	PmCluster  *cluster = build_cluster(c);
	PmQueue    *queue = build_queue(c);
	PmPolicy	policy = {c->queue, c->placement};
	PmDecision *decision = pm_pass(cluster, queue, &policy);
	bool		started[MAX_JOBS] = {false};

	line[0] = '\0';
	for (int i = 0; i < decision->nstarts; i++)
	{
		write_start(decision, queue, &decision->starts[i]);
		started[decision->starts[i].job] = true;
	}
	for (int j = 0; j < queue->njobs; j++)
		if (!started[j])
			write_wait(decision, queue, j);
	core_check(strcmp(line, c->expected) == 0, "%s:\n  expected %s\n  got      %s",
			   c->name, c->expected, line);
}

/* order-001 and order-003: positions, overall and in each lane */
static void
positions(void)
{
	PmJob		jobs[] = {
		{4, 1, 0, 1, 50, false}, {2, 0, 0, 0, 50, false},
		{3, 1, 0, 1, 100, false}, {1, 0, 0, 0, 100, false}
	};

	pm_order_jobs(jobs, lengthof(jobs));
	core_check(jobs[0].job_id == 1 && jobs[1].job_id == 3 &&
			   jobs[2].job_id == 2 && jobs[3].job_id == 4,
			   "order-001-positions: 1, 3, 2, 4");
	core_check(jobs[2].job_id == 2, "order-003-offset: third is 2");
	pm_order_jobs(jobs, 0);
	pm_order_jobs(NULL, 0);
}

void
core_cases(void)
{
	for (int i = 0; i < lengthof(cases); i++)
	{
		core_fresh_memory();
		run_case(&cases[i]);
	}
	positions();
}
