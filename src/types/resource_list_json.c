/*-------------------------------------------------------------------------
 *
 * resource_list_json.c
 *	  Casts between resource_list and JSON objects.
 *
 * An object of names and quantities, each a number or a quantity string; on
 * output all are canonical strings.  Both JSON types are read from their text,
 * so that a name repeated in json is an error here as it is in the text form.
 * The text of a json value is known to be valid, so that the reader need not
 * find out all that could be wrong; it never reads beyond the end, though.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"

#include "compat.h"
#include "types/resource_list.h"

/* What is left to read */
typedef struct JsonReader
{
	const char *next;
	const char *end;
} JsonReader;

PG_FUNCTION_INFO_V1(pm_rl_from_json);
PG_FUNCTION_INFO_V1(pm_rl_from_jsonb);
PG_FUNCTION_INFO_V1(pm_rl_to_json);
PG_FUNCTION_INFO_V1(pm_rl_to_jsonb);

/* The next character that is not white space, unread; 0 at the end */
static char
peek(JsonReader *r)
{
	while (r->next < r->end &&
		   (*r->next == ' ' || *r->next == '\t' || *r->next == '\n' || *r->next == '\r'))
		r->next++;
	return r->next < r->end ? *r->next : '\0';
}

/* Read a string, the reader standing on its first quote */
static const char *
read_string(JsonReader *r, size_t *len)
{
	const char *start = r->next;
	bool		escapes = false;
	JsonbValue	value;
	Jsonb	   *jsonb;

	for (r->next++; r->next < r->end && *r->next != '"'; r->next++)
	{
		if (*r->next == '\\')
		{
			escapes = true;
			r->next++;
		}
	}
	if (r->next >= r->end)
		elog(ERROR, "JSON string has no end");
	r->next++;
	if (!escapes)
	{
		*len = r->next - start - 2;
		return start + 1;
	}

	jsonb = DatumGetJsonbP(DirectFunctionCall1(jsonb_in,
											   CStringGetDatum(pnstrdup(start, r->next - start))));
	if (!JsonbExtractScalar(&jsonb->root, &value) || value.type != jbvString)
		elog(ERROR, "JSON string is no string");
	*len = value.val.string.len;
	return value.val.string.val;
}

/* Read a number as it is written */
static const char *
read_number(JsonReader *r, size_t *len)
{
	const char *start = r->next;

	while (r->next < r->end && strchr("+-.0123456789eE", *r->next) != NULL)
		r->next++;
	*len = r->next - start;
	return start;
}

/* Read "name": quantity; false if an error went to escontext */
static bool
read_entry(JsonReader *r, PmResource *entry, Node *escontext)
{
	const char *text;
	size_t		name_len;
	size_t		text_len;
	char		first;

	if (peek(r) != '"')
		elog(ERROR, "JSON object has no name");
	entry->name = read_string(r, &name_len);
	entry->name_len = (int) name_len;
	if (!pm_resource_name_check(entry->name, entry->name_len, escontext))
		return false;
	if (peek(r) != ':')
		elog(ERROR, "JSON name has no value");
	r->next++;

	first = peek(r);
	if (first == '"')
		text = read_string(r, &text_len);
	else if (first == '-' || (first >= '0' && first <= '9'))
		text = read_number(r, &text_len);
	else
		ereturn(escontext, false,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid JSON value of resource \"%s\"",
						pm_resource_clip(entry->name, name_len)),
				 errdetail("It must be a number or a string with a quantity.")));
	return pm_resource_parse(entry->name, name_len, text, text_len,
							 &entry->value, escontext);
}

/* The list that a JSON text says; NULL if an error went to escontext */
static PmResourceList *
list_from_json(const char *json, size_t len, Node *escontext)
{
	JsonReader	r = {json, json + len};
	int			allocated = 16;
	PmResource *entries;
	int			n = 0;

	if (peek(&r) != '{')
		ereturn(escontext, NULL,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("cannot cast this JSON value to type resource_list"),
				 errdetail("It must be an object of resource names and quantities.")));
	r.next++;
	entries = (PmResource *) palloc(sizeof(PmResource) * allocated);
	while (peek(&r) != '}')
	{
		if (n > PM_RESOURCE_LIST_MAX)
			break;				/* the constructor complains */
		if (n == allocated)
		{
			allocated *= 2;
			entries = (PmResource *) repalloc(entries, sizeof(PmResource) * allocated);
		}
		if (!read_entry(&r, &entries[n], escontext))
			return NULL;
		n++;
		if (peek(&r) == ',')
			r.next++;
	}
	return pm_resource_list_make_soft(entries, n, escontext);
}

/*
 * resource_list_from_json(json) -> resource_list
 */
Datum
pm_rl_from_json(PG_FUNCTION_ARGS)
{
	text	   *json = PG_GETARG_TEXT_PP(0);
	PmResourceList *list = list_from_json(VARDATA_ANY(json), VARSIZE_ANY_EXHDR(json),
										  fcinfo->context);

	if (list == NULL)
		PG_RETURN_NULL();
	PG_RETURN_RESOURCE_LIST_P(list);
}

/*
 * resource_list_from_jsonb(jsonb) -> resource_list
 */
Datum
pm_rl_from_jsonb(PG_FUNCTION_ARGS)
{
	Jsonb	   *jsonb = PG_GETARG_JSONB_P(0);
	char	   *json = JsonbToCString(NULL, &jsonb->root, VARSIZE(jsonb));
	PmResourceList *list = list_from_json(json, strlen(json), fcinfo->context);

	if (list == NULL)
		PG_RETURN_NULL();
	PG_RETURN_RESOURCE_LIST_P(list);
}

/* Names and quantities need no escaping */
static char *
list_to_json(const PmResourceList *list)
{
	StringInfoData buf;
	uint32		i;

	initStringInfo(&buf);
	appendStringInfoChar(&buf, '{');
	for (i = 0; i < list->count; i++)
	{
		PmResource	entry = pm_resource_entry(list, (int) i);
		char		quantity[PM_QUANTITY_TEXT_SIZE];

		pm_quantity_print(entry.value,
						  pm_resource_in_bytes(entry.name, entry.name_len),
						  quantity);
		appendStringInfo(&buf, "%s\"%.*s\": \"%s\"", i > 0 ? ", " : "",
						 entry.name_len, entry.name, quantity);
	}
	appendStringInfoChar(&buf, '}');
	return buf.data;
}

/*
 * resource_list_to_json(resource_list) -> json
 */
Datum
pm_rl_to_json(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cstring_to_text(list_to_json(PG_GETARG_RESOURCE_LIST_P(0))));
}

/*
 * resource_list_to_jsonb(resource_list) -> jsonb
 */
Datum
pm_rl_to_jsonb(PG_FUNCTION_ARGS)
{
	char	   *json = list_to_json(PG_GETARG_RESOURCE_LIST_P(0));

	return DirectFunctionCall1(jsonb_in, CStringGetDatum(json));
}
