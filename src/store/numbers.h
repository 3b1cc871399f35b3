/*-------------------------------------------------------------------------
 *
 * numbers.h
 *	  Ids and strings of bytes to small numbers, in order of first sight, and
 *	  arrays that grow with them.
 *
 * Strings are compared in full: tenants choose them.  Tables live in the
 * memory context in which they were made.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PM_NUMBERS_H
#define PM_NUMBERS_H

#include "postgres.h"

#include "utils/hsearch.h"

typedef struct PmIdNumber
{
	int64		id;				/* the key */
	int			number;
} PmIdNumber;

typedef struct PmBytes
{
	const char *data;
	Size		len;
} PmBytes;

typedef struct PmBytesNumber
{
	PmBytes		bytes;			/* the key */
	int			number;
} PmBytesNumber;

extern HTAB *pm_id_numbers(const char *name);
/* The number of an id; *is_new tells whether it was not known */
extern int	pm_number_id(HTAB *table, int64 id, bool *is_new);

extern HTAB *pm_bytes_numbers(const char *name);
/* The same for bytes, of which a copy is kept */
extern int	pm_number_bytes(HTAB *table, const void *data, Size len, bool *is_new);

/*
 * Room in an array, NULL at first, for element number count; max is that of
 * elements.  54000: there are too many.
 */
extern void *pm_room_for(void *array, int *max, int count, Size size);

#endif							/* PM_NUMBERS_H */
