/*-------------------------------------------------------------------------
 *
 * labels.c
 *	  Labels, selectors, taints and tolerations, from jsonb to the engine's
 *	  numbers.  That they are well formed was seen to before.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "store/labels.h"
#include "store/numbers.h"

static int
word(HTAB *words, const JsonbValue *value)
{
	bool		is_new;

	/* the tables' constraints, or checks of what was handed in, see to that */
	if (value->type != jbvString)
		elog(ERROR, "a label, taint or toleration is not a string");
	return pm_number_bytes(words, value->val.string.val, value->val.string.len, &is_new);
}

/* An object of strings: labels of a node, selector of a request */
int
pm_read_labels(HTAB *words, Jsonb *json, PmLabel **labels)
{
	JsonbIterator *it = JsonbIteratorInit(&json->root);
	JsonbValue	value;
	JsonbIteratorToken token;
	int			n = 0;

	*labels = palloc(sizeof(PmLabel) * Max(JB_ROOT_COUNT(json), 1));
	while ((token = JsonbIteratorNext(&it, &value, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
			(*labels)[n].key = word(words, &value);
		else if (token == WJB_VALUE)
			(*labels)[n++].value = word(words, &value);
	}
	return n;
}

/*
 * An array of {"key", "value", "effect"}.  A missing value means any in a
 * toleration, and the empty one in a taint; a missing key, any in a toleration.
 */
int
pm_read_taints(HTAB *words, Jsonb *json, bool toleration, PmLabel **taints)
{
	int			count = JB_ROOT_COUNT(json);
	int			n = 0;
	JsonbValue	empty = {.type = jbvString, .val.string = {0, ""}};

	*taints = palloc(sizeof(PmLabel) * Max(count, 1));
	for (int i = 0; i < count; i++)
	{
		JsonbValue *item = getIthJsonbValueFromContainer(&json->root, i);
		JsonbContainer *object;
		JsonbValue *key;
		JsonbValue *value;
		JsonbValue *effect;

		if (item->type != jbvBinary || !JsonContainerIsObject(item->val.binary.data))
			elog(ERROR, "a taint or toleration is not an object");
		object = item->val.binary.data;
		key = getKeyJsonValueFromContainer(object, "key", 3, NULL);
		value = getKeyJsonValueFromContainer(object, "value", 5, NULL);
		effect = getKeyJsonValueFromContainer(object, "effect", 6, NULL);
		if (!toleration && effect && effect->type == jbvString &&
			effect->val.string.len == 16 && memcmp(effect->val.string.val, "PreferNoSchedule", 16) == 0)
			continue;
		(*taints)[n].key = key ? word(words, key) : PM_ANY_KEY;
		if (value)
			(*taints)[n].value = word(words, value);
		else
			(*taints)[n].value = toleration ? PM_ANY_VALUE : word(words, &empty);
		n++;
	}
	return n;
}
