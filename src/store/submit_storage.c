/*-------------------------------------------------------------------------
 *
 * submit_storage.c
 *	  File systems that jobs mount and volumes that are made for them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"

#include "billing/calendar.h"
#include "store/statement.h"
#include "store/submit.h"

/* Detaching one waits for the jobs that are being submitted to be seen */
int
pm_find_file_systems(int64 tenant_id, char **names, int n, PmFileSystem **found)
{
	static PmStatement find = PM_STATEMENT("int8;text[]",
										   "SELECT f.file_system_id, f.name, f.network_id, n.name, f.state::text"
										   " FROM pool_manager.file_system f JOIN pool_manager.network n USING (network_id)"
										   " WHERE f.tenant_id = $1 AND f.name = ANY ($2)"
										   " ORDER BY f.file_system_id FOR SHARE OF f");
	Datum	   *values = palloc(sizeof(Datum) * Max(n, 1));
	PmArgs		args = {0};
	int			nfound;

	for (int i = 0; i < n; i++)
		values[i] = CStringGetTextDatum(names[i]);
	pm_arg_int64(&args, tenant_id);
	pm_arg_array(&args, values, NULL, n, TEXTOID, -1, false, TYPALIGN_INT);
	nfound = (int) pm_run(&find, &args);
	*found = palloc(sizeof(PmFileSystem) * Max(nfound, 1));
	for (int i = 0; i < nfound; i++)
	{
		(*found)[i].file_system_id = pm_get_int64(i, 1);
		(*found)[i].name = pm_get_text(i, 2);
		(*found)[i].network_id = pm_get_int64(i, 3);
		(*found)[i].network = pm_get_text(i, 4);
		(*found)[i].state = pm_get_text(i, 5);
	}
	return nfound;
}

int
pm_read_volume_types(PmVolumeType **types)
{
	static PmStatement read = PM_STATEMENT("",
										   "SELECT volume_type, sku_id, least_gib, most_gib FROM pool_manager.volume_type ORDER BY volume_type");
	PmArgs		args = {0};
	int			n = (int) pm_run(&read, &args);

	*types = palloc(sizeof(PmVolumeType) * Max(n, 1));
	for (int i = 0; i < n; i++)
	{
		(*types)[i].name = pm_get_text(i, 1);
		(*types)[i].sku_id = pm_get_int64(i, 2);
		(*types)[i].least_gib = pm_get_int32(i, 3);
		(*types)[i].most_gib = pm_get_int32(i, 4);
	}
	return n;
}

void
pm_insert_mounts(PmSubmission *submission, PmJobSpec **jobs, int n)
{
	static PmStatement insert = PM_STATEMENT("int8;int8;int8[];text[];int8[];int8[]",
											 "INSERT INTO pool_manager.job_mount (pool_id, job_id, path, tenant_id, network_id, file_system_id)"
											 " SELECT $1, m.job_id, m.path, $2, m.network_id, m.file_system_id"
											 " FROM unnest($3, $4, $5, $6) AS m(job_id, path, network_id, file_system_id)");
	int			nmounts = 0;
	int			k = 0;
	int64	   *ids[3];
	Datum	   *paths;
	PmArgs		args = {0};

	for (int i = 0; i < n; i++)
		nmounts += jobs[i]->job_id == 0 ? 0 : jobs[i]->nmounts;
	if (nmounts == 0)
		return;
	for (int c = 0; c < 3; c++)
		ids[c] = palloc(sizeof(int64) * nmounts);
	paths = palloc(sizeof(Datum) * nmounts);
	for (int i = 0; i < n; i++)
	{
		for (int m = 0; m < jobs[i]->nmounts && jobs[i]->job_id != 0; m++, k++)
		{
			ids[0][k] = jobs[i]->job_id;
			paths[k] = CStringGetTextDatum(jobs[i]->mount[m].path);
			ids[1][k] = jobs[i]->mount[m].file_system->network_id;
			ids[2][k] = jobs[i]->mount[m].file_system->file_system_id;
		}
	}
	pm_arg_int64(&args, submission->pool->pool_id);
	pm_arg_int64(&args, submission->tenant_id);
	pm_arg_int64_array(&args, ids[0], nmounts);
	pm_arg_array(&args, paths, NULL, nmounts, TEXTOID, -1, false, TYPALIGN_INT);
	pm_arg_int64_array(&args, ids[1], nmounts);
	pm_arg_int64_array(&args, ids[2], nmounts);
	pm_run(&insert, &args);
}

void
pm_insert_volumes(PmSubmission *submission, PmJobSpec **jobs, int n, TimestampTz instant)
{
	static PmStatement insert = PM_STATEMENT("int8;int8;timestamptz;timestamptz;int8[];text[];int4[];int8[];int8[]",
											 "WITH v AS (INSERT INTO pool_manager.volume (tenant_id, pool_id, job_id, volume_type, gib, created_at)"
											 "  SELECT $2, $1, u.job_id, u.volume_type, u.gib, $3"
											 "  FROM unnest($5, $6, $7) AS u(job_id, volume_type, gib) RETURNING volume_id, job_id, gib)"
											 " INSERT INTO pool_manager.holding (tenant_id, sku_id, quantity, workspace_id, pool_id, job_id, volume_id, since, metered_until)"
											 " SELECT $2, u.sku_id, v.gib * 1000::bigint, u.workspace_id, $1, v.job_id, v.volume_id, $4, $4"
											 " FROM v JOIN unnest($5, $8, $9) AS u(job_id, sku_id, workspace_id) USING (job_id) WHERE u.sku_id <> 0");
	int			nvolumes = 0;
	int			k = 0;
	int64	   *ids[3];
	Datum	   *types;
	Datum	   *gib;
	PmArgs		args = {0};

	for (int i = 0; i < n; i++)
		nvolumes += jobs[i]->job_id != 0 && jobs[i]->volume_gib != 0;
	if (nvolumes == 0)
		return;
	for (int c = 0; c < 3; c++)
		ids[c] = palloc(sizeof(int64) * nvolumes);
	types = palloc(sizeof(Datum) * nvolumes);
	gib = palloc(sizeof(Datum) * nvolumes);
	for (int i = 0; i < n; i++)
	{
		if (jobs[i]->job_id == 0 || jobs[i]->volume_gib == 0)
			continue;
		ids[0][k] = jobs[i]->job_id;
		types[k] = CStringGetTextDatum(jobs[i]->volume_type);
		gib[k] = Int32GetDatum(jobs[i]->volume_gib);
		ids[1][k] = jobs[i]->volume_sku_id;
		ids[2][k++] = jobs[i]->workspace_id;
	}
	pm_arg_int64(&args, submission->pool->pool_id);
	pm_arg_int64(&args, submission->tenant_id);
	pm_arg_time(&args, instant);
	pm_arg_time(&args, pm_second_timestamptz(pm_second(instant)));
	pm_arg_int64_array(&args, ids[0], nvolumes);
	pm_arg_array(&args, types, NULL, nvolumes, TEXTOID, -1, false, TYPALIGN_INT);
	pm_arg_array(&args, gib, NULL, nvolumes, INT4OID, sizeof(int32), true, TYPALIGN_INT);
	pm_arg_int64_array(&args, ids[1], nvolumes);
	pm_arg_int64_array(&args, ids[2], nvolumes);
	pm_run(&insert, &args);
}

int64
pm_latest_mounts(int64 file_system_id)
{
	static PmStatement read = PM_STATEMENT("int8",
										   "SELECT count(DISTINCT j.job_id) FROM pool_manager.job_mount m"
										   " JOIN pool_manager.job j USING (pool_id, job_id)"
										   " WHERE m.file_system_id = $1 AND j.end_state IS NULL");
	PmArgs		args = {0};

	pm_arg_int64(&args, file_system_id);
	PushActiveSnapshot(GetLatestSnapshot());
	pm_run(&read, &args);
	PopActiveSnapshot();
	return pm_get_int64(0, 1);
}
