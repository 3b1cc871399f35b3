/*-------------------------------------------------------------------------
 *
 * simulate_depend.c
 *	  What simulated jobs wait for before they join: other jobs that start or
 *	  end.  Not when these do.
 *
 * Of the choices of a clause one must hold, of a job's clauses all.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "engine/simulate_internal.h"

struct PmSimDepend
{
	const PmSimDependency *dependencies;
	int		   *open;			/* [njobs] clauses that do not hold yet */
	bool	   *holds;			/* [number of clauses] */
	int		   *clause;			/* [ndependencies] its number among all */
	int		   *first;			/* [njobs + 1] into dependents */
	int		   *dependents;		/* dependencies, by the job that they are on */
};

static void *
zeroed(Size size)
{
	void	   *memory = MemoryContextAllocHuge(CurrentMemoryContext, size);

	memset(memory, 0, size);
	return memory;
}

/* NULL: no job depends on another */
PmSimDepend *
pm_sim_depend_create(const PmSimulation *simulation)
{
	int			njobs = simulation->queue->njobs;
	int			n = simulation->ndependencies;
	int			clause = -1;
	int		   *next;
	PmSimDepend *depend;

	if (n == 0)
		return NULL;
	depend = palloc(sizeof(PmSimDepend));
	depend->dependencies = simulation->dependencies;
	depend->open = zeroed(sizeof(int) * (Size) njobs);
	depend->first = zeroed(sizeof(int) * ((Size) njobs + 1));
	depend->clause = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(int) * (Size) n);
	depend->holds = zeroed(sizeof(bool) * (Size) n);
	depend->dependents = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(int) * (Size) n);
	for (int i = 0; i < n; i++)
	{
		const PmSimDependency *dependency = &depend->dependencies[i];

		if (i == 0 || dependency->job != dependency[-1].job || dependency->clause_no != dependency[-1].clause_no)
		{
			clause++;
			depend->open[dependency->job]++;
		}
		depend->clause[i] = clause;
		depend->first[dependency->on + 1]++;
	}
	for (int j = 0; j < njobs; j++)
		depend->first[j + 1] += depend->first[j];
	next = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(int) * (Size) njobs);
	memcpy(next, depend->first, sizeof(int) * (Size) njobs);
	for (int i = 0; i < n; i++)
		depend->dependents[next[depend->dependencies[i].on]++] = i;
	pfree(next);
	return depend;
}

bool
pm_sim_waits(const PmSimDepend *depend, int job)
{
	return depend != NULL && depend->open[job] > 0;
}

static bool
is_met(PmSimDependencyKind kind, PmSimState state)
{
	switch (kind)
	{
		case PM_SIM_AFTER:
			return true;
		case PM_SIM_AFTEROK:
			return state == PM_SIM_COMPLETED;
		case PM_SIM_AFTERANY:
			return state != PM_SIM_STARTED;
		case PM_SIM_AFTERNOTOK:
			return state == PM_SIM_TIMED_OUT;
	}
	pg_unreachable();
}

/* A job has come to a state: those that have nothing left to wait for, by it */
void
pm_sim_reached(PmSimDepend *depend, int job, PmSimState state, PmSimReleased released, void *arg)
{
	for (int i = depend ? depend->first[job] : 0; depend && i < depend->first[job + 1]; i++)
	{
		const PmSimDependency *dependency = &depend->dependencies[depend->dependents[i]];
		bool	   *holds = &depend->holds[depend->clause[depend->dependents[i]]];

		if (*holds || !is_met(dependency->kind, state))
			continue;
		*holds = true;
		if (--depend->open[dependency->job] == 0)
			released(dependency->job, arg);
	}
}
