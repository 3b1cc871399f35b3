/*-------------------------------------------------------------------------
 *
 * topology.c
 *	  Levels of a topology as numbers, and where nodes are in it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "utils/jsonb.h"

#include "store/numbers.h"
#include "store/topology.h"

int
pm_level_number(char *const *levels, int nlevels, const char *name)
{
	if (name == NULL)
		return 0;
	for (int l = 0; l < nlevels; l++)
	{
		if (strcmp(levels[l], name) == 0)
			return l + 1;
	}
	return strcmp(name, PM_NODE_LEVEL) == 0 ? nlevels + 1 : -1;
}

const char *
pm_level_of_number(const PmPoolInfo *pool, int number)
{
	return number > pool->nlevels ? PM_NODE_LEVEL : pool->levels[number - 1];
}

HTAB **
pm_domain_numbers(int nlevels)
{
	HTAB	  **numbers = palloc(sizeof(HTAB *) * Max(nlevels, 1));

	for (int l = 0; l < nlevels; l++)
		numbers[l] = pm_bytes_numbers("domains of a level");
	return numbers;
}

int32 *
pm_read_domains(char *const *levels, int nlevels, HTAB **numbers, Datum topology)
{
	Jsonb	   *json = DatumGetJsonbP(topology);
	int32	   *domains;
	StringInfoData path;
	bool		named = true;

	if (nlevels == 0 || JB_ROOT_COUNT(json) == 0)
		return NULL;
	domains = palloc(sizeof(int32) * nlevels);
	initStringInfo(&path);
	for (int l = 0; l < nlevels; l++)
	{
		const char *level = levels[l];
		JsonbValue *name = !named ? NULL :
			getKeyJsonValueFromContainer(&json->root, level, strlen(level), NULL);
		bool		is_new;

		domains[l] = -1;
		if (name == NULL || name->type != jbvString)
		{
			named = false;
			continue;
		}
		/* names may hold any character, so that lengths part them */
		appendBinaryStringInfo(&path, (char *) &name->val.string.len, sizeof(int));
		appendBinaryStringInfo(&path, name->val.string.val, name->val.string.len);
		domains[l] = pm_number_bytes(numbers[l], path.data, path.len, &is_new);
	}
	pfree(path.data);
	return domains;
}
