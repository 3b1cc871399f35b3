/*-------------------------------------------------------------------------
 *
 * simulate_read.c
 *	  What a simulation reads: rows of queries of the caller become the
 *	  engine's structs.
 *
 * Rows are checked and turned into numbers one by one, and not kept: a million
 * jobs of a few shapes take little more memory than the engine's array.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "store/numbers.h"
#include "store/simulate_reader.h"

int64
pm_sim_sub_pool(PmSimReader *reader, const char *name)
{
	bool		is_new;

	return name ? pm_number_bytes(reader->sub_pools, name, strlen(name), &is_new) + 1 : 0;
}

PmSimInput *
pm_read_simulation(const PmSimQueries *queries, const PmSimLevels *levels, const PmSimChecks *checks)
{
	PmSimReader reader = {0};
	PmSimInput *input = palloc0(sizeof(PmSimInput));

	reader.input = input;
	reader.levels = levels;
	reader.checks = checks;
	reader.terms = pm_terms_create();
	input->terms = reader.terms;
	reader.context = CurrentMemoryContext;
	reader.row = AllocSetContextCreate(CurrentMemoryContext, "row of a query", ALLOCSET_DEFAULT_SIZES);
	reader.sub_pools = pm_bytes_numbers("sub-pools of a simulation");
	reader.lanes = pm_bytes_numbers("queues of a simulation");
	if (queries->quotas)
		pm_read_sim_quotas(&reader, queries->quotas);
	pm_read_sim_nodes(&reader, queries->nodes);
	if (queries->quotas)
		pm_make_sim_lanes(&reader);
	pm_read_sim_jobs(&reader, queries->jobs);
	MemoryContextDelete(reader.row);
	return input;
}
