/*-------------------------------------------------------------------------
 *
 * reference_time.h
 *	  What the slow reference of backfill (reference_time.c) hands out.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CORE_REFERENCE_TIME_H
#define CORE_REFERENCE_TIME_H

#include "core.h"

typedef struct RefTimes
{
	RefDecision *decision;		/* what starts; no reasons */
	int			nreservations;
	PmReservation *reservations;
} RefTimes;

extern RefTimes *ref_backfill(PmCluster *cluster, PmQueue *queue, const PmPolicy *policy);

#endif							/* CORE_REFERENCE_TIME_H */
