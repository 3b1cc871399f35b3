/*-------------------------------------------------------------------------
 *
 * resource_list_io.c
 *	  Text and binary forms of resource_list.
 *
 * Text is "name=quantity,name=quantity"; input takes any order and spaces
 * around names and quantities.  Binary is, in network byte order:
 *
 *		int8	version, 1
 *		int32	number of entries
 *		then for each entry, names ascending, values not zero:
 *		int16	length of the name
 *		bytes	the name
 *		int64	the value, in bytes or thousandths
 *
 * Not here: JSON (resource_list_json.c), the grammar of a single quantity
 * (quantity.c).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "libpq/pqformat.h"

#include "compat.h"
#include "types/resource_list.h"

#define BINARY_VERSION		1

/* Length of a name, one byte of it, a value */
#define BINARY_ENTRY_MIN	(2 + 1 + 8)

PG_FUNCTION_INFO_V1(pm_rl_in);
PG_FUNCTION_INFO_V1(pm_rl_out);
PG_FUNCTION_INFO_V1(pm_rl_recv);
PG_FUNCTION_INFO_V1(pm_rl_send);

/* Read the quantity of a resource; false if an error went to escontext */
bool
pm_resource_parse(const char *name, size_t name_len,
				  const char *text, size_t text_len,
				  int64 *value, Node *escontext)
{
	bool		in_bytes = pm_quantity_in_bytes(name, name_len);
	int64_t		parsed = 0;
	size_t		suffix = 0;

	switch (pm_quantity_parse(text, text_len, in_bytes, &parsed, &suffix))
	{
		case PM_QUANTITY_OK:
			break;
		case PM_QUANTITY_MALFORMED:
			ereturn(escontext, false,
					(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
					 errmsg("invalid quantity \"%s\" of resource \"%s\"",
							pm_resource_clip(text, text_len),
							pm_resource_clip(name, name_len)),
					 errhint("A quantity is a decimal number, such as 8 or 0.5, with an optional suffix, such as 500m or 64Gi.")));
		case PM_QUANTITY_BAD_SUFFIX:
			ereturn(escontext, false,
					(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
					 errmsg("invalid quantity \"%s\" of resource \"%s\"",
							pm_resource_clip(text, text_len),
							pm_resource_clip(name, name_len)),
					 errdetail("Unknown suffix \"%s\".",
							   pm_resource_clip(text + suffix, text_len - suffix)),
					 errhint("Suffixes are n, u, m, k, M, G, T, P, E, Ki, Mi, Gi, Ti, Pi, Ei, and exponents such as e3.")));
		case PM_QUANTITY_TOO_PRECISE:
			ereturn(escontext, false,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					 errmsg("quantity \"%s\" of resource \"%s\" is too precise",
							pm_resource_clip(text, text_len),
							pm_resource_clip(name, name_len)),
					 in_bytes ? errdetail("It must be a whole number of bytes.")
					 : errdetail("It must be a whole number of thousandths.")));
		case PM_QUANTITY_OUT_OF_RANGE:
			ereturn(escontext, false,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					 errmsg("quantity \"%s\" of resource \"%s\" out of range",
							pm_resource_clip(text, text_len),
							pm_resource_clip(name, name_len)),
					 in_bytes ? errdetail("Quantities are 64-bit integers, counted in bytes.")
					 : errdetail("Quantities are 64-bit integers, counted in thousandths.")));
	}
	*value = parsed;
	return true;
}

static inline bool
is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Drop the spaces at both ends of [*start, *end) */
static void
trim(const char **start, const char **end)
{
	while (*start < *end && is_space(**start))
		(*start)++;
	while (*start < *end && is_space((*end)[-1]))
		(*end)--;
}

/* Read "name=quantity" in [start, end), the entry number-th of input */
static bool
parse_entry(const char *input, int number, const char *start, const char *end,
			PmResource *entry, Node *escontext)
{
	const char *equals;
	const char *name_end;
	const char *text;

	trim(&start, &end);
	if (start == end)
		ereturn(escontext, false,
				(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
				 errmsg("invalid input syntax for type %s: \"%s\"", "resource_list",
						pm_resource_clip(input, strlen(input))),
				 errdetail("Entry %d is empty.", number)));
	equals = memchr(start, '=', end - start);
	if (equals == NULL)
		ereturn(escontext, false,
				(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
				 errmsg("invalid input syntax for type %s: \"%s\"", "resource_list",
						pm_resource_clip(input, strlen(input))),
				 errdetail("Entry \"%s\" has no \"=\".",
						   pm_resource_clip(start, end - start))));
	name_end = equals;
	text = equals + 1;
	trim(&start, &name_end);
	trim(&text, &end);

	if (!pm_resource_name_check(start, (int) (name_end - start), escontext))
		return false;
	entry->name = start;
	entry->name_len = (int) (name_end - start);
	return pm_resource_parse(start, name_end - start, text, end - text,
							 &entry->value, escontext);
}

/*
 * resource_list_in(cstring) -> resource_list
 */
Datum
pm_rl_in(PG_FUNCTION_ARGS)
{
	const char *input = PG_GETARG_CSTRING(0);
	const char *start = input;
	const char *end = input + strlen(input);
	PmResource *entries;
	PmResourceList *list;
	const char *c;
	int64		count = 1;
	int			n = 0;

	trim(&start, &end);
	if (start == end)
		PG_RETURN_RESOURCE_LIST_P(pm_resource_list_make(NULL, 0));

	for (c = start; c < end; c++)
		count += *c == ',';
	if (count > PM_RESOURCE_LIST_MAX)
		ereturn(fcinfo->context, (Datum) 0,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a resource_list cannot have more than %d entries",
						PM_RESOURCE_LIST_MAX)));
	entries = (PmResource *) palloc(sizeof(PmResource) * count);
	while (n < count)
	{
		const char *comma = memchr(start, ',', end - start);

		if (!parse_entry(input, n + 1, start, comma ? comma : end,
						 &entries[n], fcinfo->context))
			PG_RETURN_NULL();
		n++;
		start = comma ? comma + 1 : end;
	}

	list = pm_resource_list_make_soft(entries, n, fcinfo->context);
	if (list == NULL)
		PG_RETURN_NULL();
	PG_RETURN_RESOURCE_LIST_P(list);
}

/*
 * resource_list_out(resource_list) -> cstring
 */
Datum
pm_rl_out(PG_FUNCTION_ARGS)
{
	PG_RETURN_CSTRING(pm_resource_list_text(PG_GETARG_RESOURCE_LIST_P(0)));
}

static void
bad_binary(const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
			 errmsg("invalid binary format for type resource_list"),
			 errdetail_internal("%s", detail)));
}

static void
need_bytes(StringInfo buf, int64 n)
{
	if (buf->len - buf->cursor < n)
		bad_binary(_("The message is too short."));
}

/* Read one entry; its name stays in the message */
static PmResource
recv_entry(StringInfo buf)
{
	PmResource	entry;

	need_bytes(buf, BINARY_ENTRY_MIN);
	entry.name_len = (int) pq_getmsgint(buf, 2);
	need_bytes(buf, (int64) entry.name_len + 8);
	entry.name = pq_getmsgbytes(buf, entry.name_len);
	entry.value = pq_getmsgint64(buf);
	if (!pm_resource_name_valid(entry.name, entry.name_len))
		bad_binary(_("A resource name is invalid."));
	if (entry.value == 0)
		bad_binary(_("A quantity is zero."));
	return entry;
}

/*
 * resource_list_recv(internal) -> resource_list; trusts nothing
 */
Datum
pm_rl_recv(PG_FUNCTION_ARGS)
{
	StringInfo	buf = (StringInfo) PG_GETARG_POINTER(0);
	PmResource *entries;
	uint32		count;
	uint32		i;

	need_bytes(buf, 1 + 4);
	if (pq_getmsgbyte(buf) != BINARY_VERSION)
		bad_binary(_("The version is unknown."));
	count = pq_getmsgint(buf, 4);
	if (count > PM_RESOURCE_LIST_MAX)
		bad_binary(_("There are too many entries."));
	need_bytes(buf, (int64) count * BINARY_ENTRY_MIN);

	entries = (PmResource *) palloc(sizeof(PmResource) * count);
	for (i = 0; i < count; i++)
	{
		entries[i] = recv_entry(buf);
		if (i > 0 && pm_resource_name_compare(entries[i - 1].name, entries[i - 1].name_len,
											  entries[i].name, entries[i].name_len) >= 0)
			bad_binary(_("The names do not ascend."));
	}
	if (buf->cursor != buf->len)
		bad_binary(_("The message is too long."));
	PG_RETURN_RESOURCE_LIST_P(pm_resource_list_pack(entries, (int) count));
}

/*
 * resource_list_send(resource_list) -> bytea
 */
Datum
pm_rl_send(PG_FUNCTION_ARGS)
{
	PmResourceList *list = PG_GETARG_RESOURCE_LIST_P(0);
	StringInfoData buf;
	uint32		i;

	pq_begintypsend(&buf);
	pq_sendbyte(&buf, BINARY_VERSION);
	pq_sendint32(&buf, list->count);
	for (i = 0; i < list->count; i++)
	{
		PmResource	entry = pm_resource_entry(list, (int) i);

		pq_sendint16(&buf, (uint16) entry.name_len);
		pq_sendbytes(&buf, entry.name, entry.name_len);
		pq_sendint64(&buf, entry.value);
	}
	PG_RETURN_BYTEA_P(pq_endtypsend(&buf));
}
