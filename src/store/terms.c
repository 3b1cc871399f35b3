/*-------------------------------------------------------------------------
 *
 * terms.c
 *	  Resources, configurations of nodes and requests of jobs as the engine's
 *	  structs and numbers: what is equal has one number.
 *
 * Passes and simulations read them alike, from tables and from queries.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/stringinfo.h"

#include "store/labels.h"
#include "store/numbers.h"
#include "store/terms.h"

PmTerms *
pm_terms_create(void)
{
	PmTerms    *terms = palloc0(sizeof(PmTerms));

	terms->words = pm_bytes_numbers("labels and taints");
	terms->dimension_numbers = pm_bytes_numbers("resources");
	terms->config_numbers = pm_bytes_numbers("node configurations");
	terms->request_numbers = pm_bytes_numbers("requests");
	return terms;
}

/* ---- resources ---- */

void
pm_add_dimensions(PmTerms *terms, const PmResourceList *list)
{
	for (uint32 i = 0; i < list->count; i++)
	{
		PmResource	resource = pm_resource_entry(list, i);
		bool		is_new;
		int			d = pm_number_bytes(terms->dimension_numbers, resource.name, resource.name_len, &is_new);

		if (!is_new)
			continue;
		terms->dimensions = pm_room_for(terms->dimensions, &terms->max_dims, d, sizeof(char *));
		terms->dimensions[d] = pnstrdup(resource.name, resource.name_len);
		terms->ndims = d + 1;
	}
}

int
pm_dimension(const PmTerms *terms, const char *name, int len)
{
	PmBytes		key = {name, len};
	PmBytesNumber *entry = hash_search(terms->dimension_numbers, &key, HASH_FIND, NULL);

	return entry ? entry->number : -1;
}

int64 *
pm_vector(const PmTerms *terms, const PmResourceList *list)
{
	int64	   *amounts;

	if (list == NULL)
		return NULL;
	amounts = palloc0(sizeof(int64) * Max(terms->ndims, 1));
	for (uint32 i = 0; i < list->count; i++)
	{
		PmResource	resource = pm_resource_entry(list, i);
		int			d = pm_dimension(terms, resource.name, resource.name_len);

		if (d >= 0)
			amounts[d] = resource.value;
	}
	return amounts;
}

/* ---- configurations and requests ---- */

/* What is described by a list (NULL: none), two documents and perhaps a sub-pool
 * and reservations */
static int
number_of(HTAB *numbers, const PmResourceList *list, Jsonb *a, Jsonb *b, int64 sub_pool,
		  const int *owners, int nowners, bool *is_new)
{
	StringInfoData key;
	int			number;

	initStringInfo(&key);
	if (list)
		appendBinaryStringInfo(&key, (const char *) list, VARSIZE(list));
	appendBinaryStringInfo(&key, (char *) a, VARSIZE(a));
	appendBinaryStringInfo(&key, (char *) b, VARSIZE(b));
	appendBinaryStringInfo(&key, (char *) &sub_pool, sizeof(int64));
	if (nowners > 0)
		appendBinaryStringInfo(&key, (const char *) owners, sizeof(int) * nowners);
	number = pm_number_bytes(numbers, key.data, key.len, is_new);
	pfree(key.data);
	return number;
}

int
pm_add_config(PmTerms *terms, Jsonb *labels, Jsonb *taints, int64 sub_pool, const int *owners, int nowners)
{
	PmNodeConfig *config;
	PmLabel    *list;
	bool		is_new;
	int			number = number_of(terms->config_numbers, NULL, labels, taints, sub_pool, owners, nowners, &is_new);

	if (!is_new)
		return number;
	terms->configs = pm_room_for(terms->configs, &terms->max_configs, number, sizeof(PmNodeConfig));
	terms->nconfigs = number + 1;
	config = &terms->configs[number];
	config->nlabels = pm_read_labels(terms->words, labels, &list);
	config->labels = list;
	config->ntaints = pm_read_taints(terms->words, taints, false, &list);
	config->taints = list;
	config->sub_pool = sub_pool;
	config->nowners = nowners;
	config->owners = owners;
	terms->bound |= sub_pool != 0;
	return number;
}

static bool
names_another(const PmTerms *terms, const PmResourceList *list)
{
	for (uint32 i = 0; i < list->count; i++)
	{
		PmResource	resource = pm_resource_entry(list, i);

		if (pm_dimension(terms, resource.name, resource.name_len) < 0)
			return true;
	}
	return false;
}

int
pm_add_request(PmTerms *terms, const PmResourceList *list, Jsonb *selector, Jsonb *tolerations,
			   int64 sub_pool, int owner)
{
	PmRequest  *request;
	PmLabel    *labels;
	bool		is_new;
	int			number;

	if (!terms->bound)
		sub_pool = 0;
	number = number_of(terms->request_numbers, list, selector, tolerations, sub_pool, &owner, 1, &is_new);
	if (!is_new)
		return number;
	terms->requests = pm_room_for(terms->requests, &terms->max_requests, number, sizeof(PmRequest));
	terms->nrequests = number + 1;
	request = &terms->requests[number];
	memset(request, 0, sizeof(PmRequest));
	request->amounts = pm_vector(terms, list);
	request->impossible = names_another(terms, list);
	request->nselectors = pm_read_labels(terms->words, selector, &labels);
	request->selectors = labels;
	request->ntolerations = pm_read_taints(terms->words, tolerations, true, &labels);
	request->tolerations = labels;
	request->sub_pool = sub_pool;
	request->owner = owner;
	return number;
}
