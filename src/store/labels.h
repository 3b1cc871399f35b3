/*-------------------------------------------------------------------------
 *
 * labels.h
 *	  Labels, selectors, taints and tolerations, from jsonb to the engine's
 *	  numbers.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PM_LABELS_H
#define PM_LABELS_H

#include "utils/hsearch.h"
#include "utils/jsonb.h"

#include "engine/engine.h"

/*
 * words: numbers of all strings so far, by pm_bytes_numbers().  What is found
 * is palloc'd; its count is returned.
 */

/* An object of strings: labels of a node, selector of a request */
extern int	pm_read_labels(HTAB *words, Jsonb *json, PmLabel **labels);

/* An array of {"key", "value", "effect"}: taints or tolerations */
extern int	pm_read_taints(HTAB *words, Jsonb *json, bool toleration, PmLabel **taints);

#endif							/* PM_LABELS_H */
