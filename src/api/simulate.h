/*-------------------------------------------------------------------------
 *
 * simulate.h
 *	  What simulate and simulate_summary share.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PM_API_SIMULATE_H
#define PM_API_SIMULATE_H

#include "postgres.h"

#include "fmgr.h"
#include "utils/jsonb.h"

#include "store/simulate.h"

/* Reads, checks and simulates what the arguments of a call ask for; everything
 * is palloc'd in the current context */
extern PmSimInput *pm_simulate_call(FunctionCallInfo fcinfo, PmSimulation *simulation);

/* simulate_topology.c: 22023 */
extern void pm_check_sim_domains(const PmSimNodeRow *row, const PmSimLevels *levels);
/* Completes the rules, too */
extern void pm_check_sim_rules(PmSimJobRow *row, const PmSimLevels *levels);

/* PM_NEVER: NULL */
extern Datum pm_instant_datum(int64 instant, bool *isnull);
/* As the difference of two timestamps is: days, and less than one */
extern Datum pm_length_datum(int64 microseconds);

#endif							/* PM_API_SIMULATE_H */
