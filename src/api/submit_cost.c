/*-------------------------------------------------------------------------
 *
 * submit_cost.c
 *	  What a run of a job may cost at most.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/numeric.h"

#include "api/check.h"
#include "api/submit.h"
#include "errors.h"

/* As the column's check has it */
void
pm_check_max_cost(const PmJobSpec *job)
{
	Datum		cost = NumericGetDatum(job->max_cost);
	Datum		none;
	Datum		end;

	if (job->max_cost == NULL)
		return;
	none = DirectFunctionCall1(int4_numeric, Int32GetDatum(0));
	end = DirectFunctionCall3(numeric_in, CStringGetDatum("1e24"), ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1));
	if (DatumGetBool(DirectFunctionCall2(numeric_lt, cost, none)) ||
		!DatumGetBool(DirectFunctionCall2(numeric_lt, cost, end)))
		pm_invalid_argument("max_cost", "It must be an amount of money, 0 or more and below 1e24.",
							"Leave out the argument if a run may cost anything.");
}

static void
refuse_cost(const PmDearJob *job)
{
	if (job->per_hour == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("what job \"%s\" would cost cannot be told", job->name),
				 job->unpriced ?
				 errdetail("SKU \"%s\" has no price in %s now: with max_cost everything that the job holds needs one.", job->unpriced, job->currency) :
				 errdetail("With max_cost everything that the job holds needs a price in force."),
				 errhint("Have the price set with set_price(), or leave out the argument \"max_cost\".")));
	if (job->cost == NULL)
		pm_invalid_argument("max_cost", "A job whose cost is limited ends by itself: it has a time limit, the pool's or its own, or auto_stop.",
							"Give it one with the argument \"time_limit\".");
	ereport(ERROR,
			(errcode(ERRCODE_PM_QUOTA),
			 errmsg("job \"%s\" would cost %s %s, more than its max_cost of %s", job->name, job->cost, job->currency, job->max_cost),
			 errdetail("So much costs a run that takes its whole time limit, at the prices in force."),
			 errhint("Shorten its time limit, ask for less, or raise \"max_cost\"; quote_job() says what a job costs.")));
}

void
pm_check_cost(int64 job_id)
{
	PmDearJob	dear;

	if (pm_find_dear_job(&job_id, 1, &dear))
		refuse_cost(&dear);
}

void
pm_check_costs(const PmJobSpec *jobs, PmJobSpec **fresh, int n, int *current)
{
	int64	   *limited = palloc(sizeof(int64) * Max(n, 1));
	int			nlimited = 0;
	PmDearJob	dear;

	for (int i = 0; i < n; i++)
	{
		if (fresh[i]->max_cost && fresh[i]->job_id != 0)
			limited[nlimited++] = fresh[i]->job_id;
	}
	if (nlimited == 0 || !pm_find_dear_job(limited, nlimited, &dear))
		return;
	for (int i = 0; i < n; i++)
	{
		if (fresh[i]->job_id == dear.job_id)
			*current = fresh[i] - jobs;
	}
	refuse_cost(&dear);
}
