/*-------------------------------------------------------------------------
 *
 * tariff_reader.c
 *	  The tokens of a tariff's text.
 *
 * This is just the JSON that a tariff needs: punctuation, null, numbers, and
 * strings without escapes; numbers may be JSON numbers or strings.  It is our
 * own so that a key given twice is an error (jsonb would keep the last: a
 * wrong price without a word), and every error is soft.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <ctype.h>

#include "types/tariff_reader.h"
#include "utils/fmgrprotos.h"

#define MAX_NUMBER_TEXT		120 /* characters of one number */
#define MAX_EXPONENT		99

bool
pm_tariff_advance(PmTariffReader *r)
{
	const char *p = r->next;

	while (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r')
		p++;
	r->token = p;
	r->length = 1;
	if (*p == '\0')
	{
		r->kind = PM_TOKEN_END;
		r->length = 0;
	}
	else if (strchr("{}[]:,", *p) != NULL)
		r->kind = PM_TOKEN_PUNCTUATION;
	else if (*p == '"')
	{
		r->kind = PM_TOKEN_STRING;
		r->token = ++p;
		while (*p != '"')
		{
			if (*p == '\0' || *p == '\\' || (unsigned char) *p < ' ')
				PM_TARIFF_BAD_SYNTAX(r, "A string is not closed, or holds an escape.");
			p++;
		}
		r->length = p - r->token;
		r->next = p + 1;
		return true;
	}
	else
	{
		r->kind = PM_TOKEN_WORD;
		while (*p != '\0' && strchr("{}[]:,\" \t\n\r", *p) == NULL)
			p++;
		r->length = p - r->token;
		r->next = p;
		return true;
	}
	r->next = p + r->length;
	return true;
}

bool
pm_tariff_expect(PmTariffReader *r, char c)
{
	if (r->kind == PM_TOKEN_END)
		PM_TARIFF_BAD_SYNTAX(r, "The text ends where \"%c\" is expected.", c);
	if (!pm_tariff_at(r, c))
		PM_TARIFF_BAD_SYNTAX(r, "Expected \"%c\", found \"%.*s\".", c, r->length, r->token);
	return pm_tariff_advance(r);
}

/* Index of the current string in a list of names, -1 if it is not there */
static int
find_name(const PmTariffReader *r, const char *const *names)
{
	int			i;

	if (r->kind != PM_TOKEN_STRING || r->length == 0)
		return -1;
	for (i = 0; names[i] != NULL; i++)
	{
		if (strlen(names[i]) == (size_t) r->length &&
			strncmp(names[i], r->token, r->length) == 0)
			return i;
	}
	return -1;
}

bool
pm_tariff_read_key(PmTariffReader *r, const char *const *names, uint32 *seen, int *key)
{
	if (r->kind != PM_TOKEN_STRING)
		PM_TARIFF_BAD_SYNTAX(r, "Expected a key, found \"%.*s\".", r->length, r->token);
	*key = find_name(r, names);
	if (*key == -1)
		PM_TARIFF_BAD_SYNTAX(r, "Unknown key \"%.*s\".", r->length, r->token);
	if (*seen & (1U << *key))
		PM_TARIFF_BAD_SYNTAX(r, "Key \"%s\" is given twice.", names[*key]);
	*seen |= 1U << *key;
	return pm_tariff_advance(r) && pm_tariff_expect(r, ':');
}

bool
pm_tariff_read_next(PmTariffReader *r, char c, bool *done)
{
	*done = pm_tariff_at(r, c);
	if (*done)
		return pm_tariff_advance(r);
	return pm_tariff_expect(r, ',');
}

bool
pm_tariff_read_choice(PmTariffReader *r, const char *key, const char *const *names, int *choice)
{
	*choice = find_name(r, names);
	if (*choice == -1)
		PM_TARIFF_BAD_SYNTAX(r, "Unknown %s \"%.*s\".", key, r->length, r->token);
	return pm_tariff_advance(r);
}

/* digits, one point, an exponent; numeric's own grammar grows with the server */
static bool
is_number(const char *s)
{
	int			digits = 0;
	int			exponent = 0;

	if (*s == '+' || *s == '-')
		s++;
	for (; isdigit((unsigned char) *s); s++)
		digits++;
	if (*s == '.')
	{
		for (s++; isdigit((unsigned char) *s); s++)
			digits++;
	}
	if (digits == 0)
		return false;
	if (*s == 'e' || *s == 'E')
	{
		s++;
		if (*s == '+' || *s == '-')
			s++;
		if (!isdigit((unsigned char) *s))
			return false;
		for (; isdigit((unsigned char) *s); s++)
		{
			exponent = exponent * 10 + (*s - '0');
			if (exponent > MAX_EXPONENT)
				return false;
		}
	}
	return *s == '\0';
}

bool
pm_tariff_read_number(PmTariffReader *r, const char *key, Numeric *number)
{
	char		buffer[MAX_NUMBER_TEXT + 1];
	char	   *text;
	char	   *point;
	Datum		value;

	if ((r->kind != PM_TOKEN_STRING && r->kind != PM_TOKEN_WORD) ||
		r->length > MAX_NUMBER_TEXT)
		PM_TARIFF_BAD_SYNTAX(r, "The value of \"%s\" is not a number.", key);
	memcpy(buffer, r->token, r->length);
	buffer[r->length] = '\0';
	if (!is_number(buffer))
		PM_TARIFF_BAD_SYNTAX(r, "The value of \"%s\", \"%s\", is not a number.", key, buffer);

	value = DirectFunctionCall3(numeric_in, CStringGetDatum(buffer),
								ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1));
	value = DirectFunctionCall1(numeric_trim_scale, value);
	text = DatumGetCString(DirectFunctionCall1(numeric_out, value));
	if (*text == '-')
		PM_TARIFF_BAD_VALUE(r, "The value of \"%s\", %s, is negative.", key, text);
	point = strchr(text, '.');
	if ((point ? point - text : (int) strlen(text)) > PM_TARIFF_DIGITS ||
		(point && strlen(point + 1) > PM_TARIFF_DIGITS))
		PM_TARIFF_FAIL(r, ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE,
					   "The value of \"%s\" has more than %d digits before or after the point.",
					   key, PM_TARIFF_DIGITS);
	pfree(text);
	*number = DatumGetNumeric(value);
	return pm_tariff_advance(r);
}
