/*-------------------------------------------------------------------------
 *
 * submit_storage.c
 *	  Storage of the jobs of a batch: file systems that they mount, volumes
 *	  that notebooks have.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "utils/builtins.h"

#include "api/check.h"
#include "api/submit.h"
#include "errors.h"

#define MAX_MOUNTS		8
#define MAX_PATH		1024	/* bytes */

/* ---- mounts ---- */

/* As the constraint of table job_mount has it */
static bool
is_mount_path(const char *path)
{
	int			len = strlen(path);
	pg_wchar   *characters = palloc(sizeof(pg_wchar) * (len + 1));
	int			count = pg_mb2wchar_with_len(path, characters, len);
	bool		valid = len > 1 && len <= MAX_PATH && path[0] == '/' && path[len - 1] != '/' && strcmp(path, "/cache") != 0;

	for (int i = 0; i < count; i++)
		valid &= characters[i] >= 0x20 && (characters[i] < 0x7f || characters[i] > 0x9f);
	for (const char *part = path; valid && (part = strchr(part, '/')) != NULL;)
	{
		int			part_len = strcspn(++part, "/");

		valid = part_len > 0 && strncmp(part, ".", part_len) != 0 &&
			!(part_len == 2 && strncmp(part, "..", 2) == 0);
	}
	pfree(characters);
	return valid;
}

void
pm_check_mounts(PmSubmission *submission, PmJobSpec *job)
{
	JsonbIterator *it;
	JsonbValue	value;
	JsonbIteratorToken token;

	pm_check_labels(job->mounts, "mounts");
	job->nmounts = JB_ROOT_COUNT(job->mounts);
	if (job->nmounts == 0)
		return;
	if (!submission->pool->dedicated)
		ereport(ERROR,
				(errcode(ERRCODE_PM_NOT_OFFERED),
				 errmsg("pool \"%s\" is public and mounts no file systems", submission->pool->name),
				 errdetail("A file system is attached to a network, and only dedicated pools are on one."),
				 errhint("Leave out the argument \"mounts\", or submit to a dedicated pool.")));
	if (job->nmounts > MAX_MOUNTS)
		pm_invalid_argument("mounts", "A job mounts 8 file systems at most.", "Mount fewer.");
	job->mount = palloc0(sizeof(PmMount) * job->nmounts);
	job->nmounts = 0;
	it = JsonbIteratorInit(&job->mounts->root);
	while ((token = JsonbIteratorNext(&it, &value, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
		{
			char	   *path = pnstrdup(value.val.string.val, value.val.string.len);

			if (!is_mount_path(path))
				pm_invalid_argument("mounts", "A path is absolute, has at most 1,024 bytes and no empty parts, \".\" and \"..\", and is neither \"/\" nor \"/cache\".",
									"Write it like {\"/data\": \"name of the file system\"}.");
			job->mount[job->nmounts].path = path;
		}
		else if (token == WJB_VALUE)
			job->mount[job->nmounts++].name = pnstrdup(value.val.string.val, value.val.string.len);
	}
}

static void
resolve_mount(PmSubmission *submission, PmMount *mount, const PmFileSystem *found, int n)
{
	const PmFileSystem *file_system = NULL;

	for (int i = 0; i < n && file_system == NULL; i++)
	{
		if (strcmp(found[i].name, mount->name) == 0)
			file_system = &found[i];
	}
	if (file_system == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("file system \"%s\" does not exist", mount->name),
				 errdetail("The tenant has none of this name."),
				 errhint("Table \"file_system\" shows those that are attached.")));
	if (file_system->network_id != submission->pool->network_id)
		ereport(ERROR,
				(errcode(ERRCODE_PM_NOT_OFFERED),
				 errmsg("pool \"%s\" does not reach file system \"%s\"", submission->pool->name, mount->name),
				 errdetail("The file system is attached to network \"%s\", and the pool is on another.",
						   file_system->network),
				 errhint("Submit to a pool on the network of the file system.")));
	if (strcmp(file_system->state, "active") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_PM_WRONG_STATE),
				 errmsg("file system \"%s\" is not active", mount->name),
				 errdetail("It is %s.", file_system->state),
				 errhint("Table \"file_system\" shows its state and the reason.")));
	mount->file_system = file_system;
}

void
pm_resolve_mounts(PmSubmission *submission, PmJobSpec *jobs, PmJobSpec **fresh, int n, int *current)
{
	char	  **names;
	PmFileSystem *found;
	int			nfound;
	int			nmounts = 0;
	int			k = 0;

	for (int i = 0; i < n; i++)
		nmounts += fresh[i]->nmounts;
	if (nmounts == 0)
		return;
	names = palloc(sizeof(char *) * nmounts);
	for (int i = 0; i < n; i++)
	{
		for (int m = 0; m < fresh[i]->nmounts; m++)
			names[k++] = fresh[i]->mount[m].name;
	}
	nfound = pm_find_file_systems(submission->tenant_id, names, nmounts, &found);
	for (int i = 0; i < n; i++)
	{
		*current = fresh[i] - jobs;
		for (int m = 0; m < fresh[i]->nmounts; m++)
			resolve_mount(submission, &fresh[i]->mount[m], found, nfound);
	}
}

/* ---- volumes ---- */

void
pm_check_volume(PmJobSpec *job)
{
	if (job->volume_gib == 0 && job->volume_type == NULL)
		return;
	if (strcmp(job->kind, "notebook") != 0)
		pm_invalid_argument("volume_gib", "Only notebooks have a volume.", "Leave out the arguments about volumes.");
	if (job->volume_type == NULL || job->volume_gib <= 0)
		pm_invalid_argument("volume_gib", "A volume has a size of 1 GiB or more and a type.",
							"Give both \"volume_gib\" and \"volume_type\", or neither.");
}

static void
resolve_volume(PmJobSpec *job, const PmVolumeType *types, int ntypes)
{
	for (int i = 0; i < ntypes; i++)
	{
		if (strcmp(types[i].name, job->volume_type) != 0)
			continue;
		if (job->volume_gib < types[i].least_gib || job->volume_gib > types[i].most_gib)
			pm_invalid_argument("volume_gib",
								psprintf("A volume of type \"%s\" has %d to %d GiB.",
										 types[i].name, types[i].least_gib, types[i].most_gib),
								"Table \"volume_type\" shows the types.");
		job->volume_sku_id = types[i].sku_id;
		return;
	}
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("volume type \"%s\" does not exist", job->volume_type),
			 errdetail("The catalogue has none of this name."),
			 errhint("Table \"volume_type\" shows them.")));
}

void
pm_resolve_volumes(PmJobSpec *jobs, PmJobSpec **fresh, int n, int *current)
{
	PmVolumeType *types = NULL;
	int			ntypes = 0;

	for (int i = 0; i < n; i++)
	{
		if (fresh[i]->volume_type == NULL)
			continue;
		*current = fresh[i] - jobs;
		if (types == NULL)
			ntypes = pm_read_volume_types(&types);
		resolve_volume(fresh[i], types, ntypes);
	}
}
