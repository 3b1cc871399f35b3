/*-------------------------------------------------------------------------
 *
 * numbers.c
 *	  Ids and strings of bytes to small numbers, and arrays that grow with them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/hashfn.h"

#include "store/numbers.h"

HTAB *
pm_id_numbers(const char *name)
{
	HASHCTL		control = {0};

	control.keysize = sizeof(int64);
	control.entrysize = sizeof(PmIdNumber);
	control.hcxt = CurrentMemoryContext;
	return hash_create(name, 256, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

int
pm_number_id(HTAB *table, int64 id, bool *is_new)
{
	bool		found;
	PmIdNumber *entry = hash_search(table, &id, HASH_ENTER, &found);

	if (!found)
		entry->number = (int) hash_get_num_entries(table) - 1;
	*is_new = !found;
	return entry->number;
}

static uint32
hash_of_bytes(const void *key, Size keysize)
{
	const PmBytes *bytes = key;

	return DatumGetUInt32(hash_any((const unsigned char *) bytes->data, (int) bytes->len));
}

static int
compare_bytes(const void *a, const void *b, Size keysize)
{
	const PmBytes *left = a;
	const PmBytes *right = b;

	return left->len == right->len ? memcmp(left->data, right->data, left->len) : 1;
}

HTAB *
pm_bytes_numbers(const char *name)
{
	HASHCTL		control = {0};

	control.keysize = sizeof(PmBytes);
	control.entrysize = sizeof(PmBytesNumber);
	control.hash = hash_of_bytes;
	control.match = compare_bytes;
	control.hcxt = CurrentMemoryContext;
	return hash_create(name, 256, &control,
					   HASH_ELEM | HASH_FUNCTION | HASH_COMPARE | HASH_CONTEXT);
}

int
pm_number_bytes(HTAB *table, const void *data, Size len, bool *is_new)
{
	PmBytes		key = {data, len};
	bool		found;
	PmBytesNumber *entry = hash_search(table, &key, HASH_ENTER, &found);

	if (!found)
	{
		char	   *copy = palloc(Max(len, 1));

		memcpy(copy, data, len);
		entry->bytes.data = copy;
		entry->number = (int) hash_get_num_entries(table) - 1;
	}
	*is_new = !found;
	return entry->number;
}

void *
pm_room_for(void *array, int *max, int count, Size size)
{
	if (count < *max)
		return array;
	if (*max > PG_INT32_MAX / 2)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("there are too many rows"),
				 errdetail("There may be %d of them.", *max),
				 errhint("Ask for a part of them.")));
	*max = Max(16, *max * 2);
	return array ? repalloc_huge(array, size * *max) : MemoryContextAllocHuge(CurrentMemoryContext, size * *max);
}
