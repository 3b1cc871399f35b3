/*-------------------------------------------------------------------------
 *
 * resource_list.c
 *	  The core of the type resource_list: building, reading, comparing and
 *	  arithmetic, as C functions for the rest of the extension.
 *
 * Everything that makes a list ends in pm_resource_list_pack(), which keeps
 * the canonical form: sorted names, no zero entry, no padding that is not
 * zero.  Comparing for equality and hashing rely on it.
 *
 * Not here: the grammar (quantity.c), text, JSON and binary forms
 * (resource_list_io.c, resource_list_json.c), SQL functions.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/int.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"

#include "compat.h"
#include "types/resource_list.h"

/* Work arrays up to this size live on the stack */
#define STACK_ENTRIES	16

typedef enum MergeOp
{
	MERGE_ADD,
	MERGE_SUBTRACT,
	MERGE_MAX,
	MERGE_MIN
} MergeOp;

/* Walks two lists by name, giving each name of either once */
typedef struct Merge
{
	const PmResourceList *a;
	const PmResourceList *b;
	int			i;
	int			j;
	PmResource	name;			/* the current name; its value is unused */
	int64		a_value;
	int64		b_value;
} Merge;

static inline const uint32 *
name_ends(const PmResourceList *list)
{
	return (const uint32 *) (list->values + list->count);
}

int
pm_resource_name_compare(const char *a, int a_len, const char *b, int b_len)
{
	int			cmp = memcmp(a, b, Min(a_len, b_len));

	return cmp != 0 ? cmp : a_len - b_len;
}

PmResource
pm_resource_entry(const PmResourceList *list, int i)
{
	const uint32 *ends = name_ends(list);
	const char *names = (const char *) (ends + list->count);
	uint32		start = i > 0 ? ends[i - 1] : 0;
	PmResource	entry;

	Assert(i >= 0 && (uint32) i < list->count);
	entry.name = names + start;
	entry.name_len = (int) (ends[i] - start);
	entry.value = list->values[i];
	return entry;
}

int64
pm_resource_get(const PmResourceList *list, const char *name, int name_len)
{
	int			low = 0;
	int			high = (int) list->count;

	while (low < high)
	{
		int			middle = low + (high - low) / 2;
		PmResource	entry = pm_resource_entry(list, middle);
		int			cmp = pm_resource_name_compare(entry.name, entry.name_len,
												   name, name_len);

		if (cmp == 0)
			return entry.value;
		if (cmp < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return 0;
}

/*
 * Make a list of entries whose names ascend; zero values are dropped.  The
 * one constructor: every list comes from here.
 */
PmResourceList *
pm_resource_list_pack(const PmResource *sorted, int n)
{
	PmResourceList *list;
	Size		names_size = 0;
	Size		size;
	uint32	   *ends;
	char	   *names;
	uint32		end = 0;
	int			count = 0;
	int			i;
	int			k = 0;

	for (i = 0; i < n; i++)
	{
		if (sorted[i].value == 0)
			continue;
		count++;
		names_size += sorted[i].name_len;
	}
	if (count > PM_RESOURCE_LIST_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a resource_list cannot have more than %d entries",
						PM_RESOURCE_LIST_MAX)));

	size = offsetof(PmResourceList, values) +
		(sizeof(int64) + sizeof(uint32)) * count + names_size;
	list = (PmResourceList *) palloc(size);
	SET_VARSIZE(list, size);
	list->count = (uint32) count;
	ends = (uint32 *) (list->values + count);
	names = (char *) (ends + count);
	for (i = 0; i < n; i++)
	{
		if (sorted[i].value == 0)
			continue;
		memcpy(names + end, sorted[i].name, sorted[i].name_len);
		end += sorted[i].name_len;
		list->values[k] = sorted[i].value;
		ends[k] = end;
		k++;
	}
	return list;
}

/* For messages: user text cut to a readable length, at a character's edge */
char *
pm_resource_clip(const char *text, size_t len)
{
	const int	limit = 64;

	if (len <= (size_t) limit)
		return pnstrdup(text, len);
	return psprintf("%.*s...", pg_mbcliplen(text, (int) len, limit), text);
}

/* Complain about what is no resource name */
bool
pm_resource_name_check(const char *name, int name_len, Node *escontext)
{
	if (name_len > PM_RESOURCE_NAME_MAX)
		ereturn(escontext, false,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("resource name \"%s\" is too long",
						pm_resource_clip(name, name_len)),
				 errdetail("It has %d bytes, the limit is %d.",
						   name_len, PM_RESOURCE_NAME_MAX)));
	if (!pm_resource_name_valid(name, name_len))
		ereturn(escontext, false,
				(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
				 errmsg("invalid resource name \"%s\"",
						pm_resource_clip(name, name_len)),
				 errdetail("A resource name is made of letters, digits, \"-\", \"_\", \".\" and at most one \"/\"; each part starts and ends with a letter or digit.")));
	return true;
}

static int
compare_entries(const void *a, const void *b)
{
	const PmResource *x = (const PmResource *) a;
	const PmResource *y = (const PmResource *) b;

	return pm_resource_name_compare(x->name, x->name_len, y->name, y->name_len);
}

PmResourceList *
pm_resource_list_make_soft(const PmResource *entries, int n, Node *escontext)
{
	PmResource *sorted;
	bool		in_order = true;
	int			i;

	if (n > PM_RESOURCE_LIST_MAX)
		ereturn(escontext, NULL,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a resource_list cannot have more than %d entries",
						PM_RESOURCE_LIST_MAX)));
	for (i = 0; i < n; i++)
	{
		if (!pm_resource_name_check(entries[i].name, entries[i].name_len, escontext))
			return NULL;
		if (i > 0 && compare_entries(&entries[i - 1], &entries[i]) >= 0)
			in_order = false;
	}
	if (in_order)
		return pm_resource_list_pack(entries, n);

	sorted = (PmResource *) palloc(sizeof(PmResource) * n);
	memcpy(sorted, entries, sizeof(PmResource) * n);
	qsort(sorted, n, sizeof(PmResource), compare_entries);
	for (i = 1; i < n; i++)
	{
		if (compare_entries(&sorted[i - 1], &sorted[i]) == 0)
			ereturn(escontext, NULL,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("resource \"%.*s\" is given more than once",
							sorted[i].name_len, sorted[i].name)));
	}
	return pm_resource_list_pack(sorted, n);
}

PmResourceList *
pm_resource_list_make(const PmResource *entries, int n)
{
	return pm_resource_list_make_soft(entries, n, NULL);
}

/* Complain about a result that does not fit */
void
pm_resource_overflow(const char *name, int name_len)
{
	ereport(ERROR,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			 errmsg("quantity of resource \"%.*s\" out of range", name_len, name),
			 errdetail("Quantities are 64-bit integers, counted in %s.",
					   pm_resource_in_bytes(name, name_len) ? "bytes" : "thousandths")));
}

/* Step to the next name of either list; false at the end */
static bool
merge_next(Merge *m)
{
	bool		has_a = (uint32) m->i < m->a->count;
	bool		has_b = (uint32) m->j < m->b->count;
	PmResource	x = {NULL, 0, 0};
	PmResource	y = {NULL, 0, 0};
	int			cmp;

	if (!has_a && !has_b)
		return false;
	if (has_a)
		x = pm_resource_entry(m->a, m->i);
	if (has_b)
		y = pm_resource_entry(m->b, m->j);
	if (has_a && has_b)
		cmp = pm_resource_name_compare(x.name, x.name_len, y.name, y.name_len);
	else
		cmp = has_a ? -1 : 1;

	m->name = cmp <= 0 ? x : y;
	m->a_value = cmp <= 0 ? x.value : 0;
	m->b_value = cmp >= 0 ? y.value : 0;
	if (cmp <= 0)
		m->i++;
	if (cmp >= 0)
		m->j++;
	return true;
}

static int64
merge_value(const Merge *m, MergeOp op)
{
	int64		result = 0;
	bool		overflow = false;

	switch (op)
	{
		case MERGE_ADD:
			overflow = pg_add_s64_overflow(m->a_value, m->b_value, &result);
			break;
		case MERGE_SUBTRACT:
			overflow = pg_sub_s64_overflow(m->a_value, m->b_value, &result);
			break;
		case MERGE_MAX:
			result = Max(m->a_value, m->b_value);
			break;
		case MERGE_MIN:
			result = Min(m->a_value, m->b_value);
			break;
	}
	if (overflow)
		pm_resource_overflow(m->name.name, m->name.name_len);
	return result;
}

static PmResourceList *
merge_lists(const PmResourceList *a, const PmResourceList *b, MergeOp op)
{
	PmResource	on_stack[STACK_ENTRIES];
	PmResource *entries = on_stack;
	PmResourceList *result;
	Merge		m = {.a = a, .b = b};
	int			n = 0;

	if (a->count + b->count > STACK_ENTRIES)
		entries = (PmResource *) palloc(sizeof(PmResource) * (a->count + b->count));
	while (merge_next(&m))
	{
		entries[n] = m.name;
		entries[n].value = merge_value(&m, op);
		n++;
	}
	result = pm_resource_list_pack(entries, n);
	if (entries != on_stack)
		pfree(entries);
	return result;
}

PmResourceList *
pm_resource_list_add(const PmResourceList *a, const PmResourceList *b)
{
	return merge_lists(a, b, MERGE_ADD);
}

PmResourceList *
pm_resource_list_subtract(const PmResourceList *a, const PmResourceList *b)
{
	return merge_lists(a, b, MERGE_SUBTRACT);
}

PmResourceList *
pm_resource_list_max(const PmResourceList *a, const PmResourceList *b)
{
	return merge_lists(a, b, MERGE_MAX);
}

PmResourceList *
pm_resource_list_min(const PmResourceList *a, const PmResourceList *b)
{
	return merge_lists(a, b, MERGE_MIN);
}

PmResourceList *
pm_resource_list_scale(const PmResourceList *list, int64 factor)
{
	PmResourceList *result;
	uint32		i;

	if (factor == 0)
		return pm_resource_list_pack(NULL, 0);

	/* No entry becomes zero, so the shape stays */
	result = (PmResourceList *) palloc(VARSIZE(list));
	memcpy(result, list, VARSIZE(list));
	for (i = 0; i < list->count; i++)
	{
		if (pg_mul_s64_overflow(list->values[i], factor, &result->values[i]))
		{
			PmResource	entry = pm_resource_entry(list, (int) i);

			pm_resource_overflow(entry.name, entry.name_len);
		}
	}
	return result;
}

bool
pm_resource_list_contains(const PmResourceList *a, const PmResourceList *b)
{
	Merge		m = {.a = a, .b = b};

	while (merge_next(&m))
	{
		if (m.a_value < m.b_value)
			return false;
	}
	return true;
}

bool
pm_resource_list_equal(const PmResourceList *a, const PmResourceList *b)
{
	return VARSIZE(a) == VARSIZE(b) && memcmp(a, b, VARSIZE(a)) == 0;
}

int
pm_resource_list_compare(const PmResourceList *a, const PmResourceList *b)
{
	Merge		m = {.a = a, .b = b};

	while (merge_next(&m))
	{
		if (m.a_value != m.b_value)
			return m.a_value < m.b_value ? -1 : 1;
	}
	return 0;
}

bool
pm_resource_in_bytes(const char *name, int name_len)
{
	return pm_quantity_in_bytes(name, name_len);
}

char *
pm_resource_quantity_text(const char *name, int name_len, int64 value)
{
	char		buffer[PM_QUANTITY_TEXT_SIZE];

	pm_quantity_print(value, pm_resource_in_bytes(name, name_len), buffer);
	return pstrdup(buffer);
}

/* Bytes as they are, thousandths as units without trailing zeros */
Numeric
pm_resource_quantity_numeric(const char *name, int name_len, int64 value)
{
	int			scale = 3;

	if (pm_resource_in_bytes(name, name_len))
		return int64_to_numeric(value);
	while (scale > 0 && value % 10 == 0)
	{
		value /= 10;
		scale--;
	}
	return scale > 0 ? int64_div_fast_to_numeric(value, scale) : int64_to_numeric(value);
}

char *
pm_resource_list_text(const PmResourceList *list)
{
	StringInfoData buf;
	uint32		i;

	initStringInfo(&buf);
	for (i = 0; i < list->count; i++)
	{
		PmResource	entry = pm_resource_entry(list, (int) i);
		char		quantity[PM_QUANTITY_TEXT_SIZE];
		int			len;

		len = pm_quantity_print(entry.value,
								pm_resource_in_bytes(entry.name, entry.name_len),
								quantity);
		if (i > 0)
			appendStringInfoChar(&buf, ',');
		appendBinaryStringInfo(&buf, entry.name, entry.name_len);
		appendStringInfoChar(&buf, '=');
		appendBinaryStringInfo(&buf, quantity, len);
	}
	return buf.data;
}
