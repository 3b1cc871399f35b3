/*-------------------------------------------------------------------------
 *
 * quantity.h
 *	  The Kubernetes grammar of resource names and quantities.
 *
 * Plain C without the server's headers, so that it can be compiled and tried
 * outside of it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PM_QUANTITY_H
#define PM_QUANTITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Longest resource name in bytes: a DNS prefix, a slash and a label */
#define PM_RESOURCE_NAME_MAX	(253 + 1 + 63)

/* Room for the canonical text of any quantity, with the final zero byte */
#define PM_QUANTITY_TEXT_SIZE	32

typedef enum PmQuantityResult
{
	PM_QUANTITY_OK,
	PM_QUANTITY_MALFORMED,		/* not a number */
	PM_QUANTITY_BAD_SUFFIX,		/* a number and something unknown */
	PM_QUANTITY_TOO_PRECISE,	/* a fraction of the smallest unit */
	PM_QUANTITY_OUT_OF_RANGE	/* does not fit into 64 bits */
} PmQuantityResult;

extern bool pm_resource_name_valid(const char *name, size_t len);
extern bool pm_quantity_in_bytes(const char *name, size_t len);
extern PmQuantityResult pm_quantity_parse(const char *text, size_t len,
										  bool in_bytes, int64_t *value,
										  size_t *suffix);
extern int	pm_quantity_print(int64_t value, bool in_bytes,
							  char buffer[PM_QUANTITY_TEXT_SIZE]);

#endif							/* PM_QUANTITY_H */
