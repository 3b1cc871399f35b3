/*-------------------------------------------------------------------------
 *
 * plain.h
 *	  The floor of the benchmark, see plain.c.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CORE_PLAIN_H
#define CORE_PLAIN_H

#include "engine/engine.h"

/* Starts what fits (traversal, pack); returns the number of replicas placed */
extern long plain_pass(PmCluster *cluster, PmQueue *queue);

#endif							/* CORE_PLAIN_H */
