/*-------------------------------------------------------------------------
 *
 * tariff_reader.h
 *	  The tokens of a tariff's text, for tariff_parse.c only.
 *
 * All functions return false after they have reported a (soft) error.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PM_TARIFF_READER_H
#define PM_TARIFF_READER_H

#include "compat.h"
#include "types/tariff.h"

typedef enum PmTariffTokenKind
{
	PM_TOKEN_END,
	PM_TOKEN_PUNCTUATION,
	PM_TOKEN_STRING,
	PM_TOKEN_WORD					/* a number or null */
} PmTariffTokenKind;

typedef struct PmTariffReader
{
	const char *text;
	const char *next;
	Node	   *escontext;
	PmTariffTokenKind kind;		/* of the current token */
	const char *token;			/* a string without its quotes */
	int			length;
} PmTariffReader;

/* Each reports an error and makes the calling function return false */
#define PM_TARIFF_BAD_SYNTAX(reader, ...) \
	ereturn((reader)->escontext, false, \
			(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION), \
			 errmsg("invalid input syntax for type %s: \"%s\"", \
					"tariff", (reader)->text), \
			 errdetail(__VA_ARGS__)))
#define PM_TARIFF_FAIL(reader, code, ...) \
	ereturn((reader)->escontext, false, \
			(errcode(code), \
			 errmsg("invalid tariff: \"%s\"", (reader)->text), \
			 errdetail(__VA_ARGS__)))
#define PM_TARIFF_BAD_VALUE(reader, ...) \
	PM_TARIFF_FAIL(reader, ERRCODE_INVALID_PARAMETER_VALUE, __VA_ARGS__)

/* Reads the first token; then one ahead: each of these starts at a token and
 * ends with the one behind what it read */
extern bool pm_tariff_advance(PmTariffReader *r);

/* One punctuation character, which must be there */
extern bool pm_tariff_expect(PmTariffReader *r, char c);

/* "key":, which must be one of names and not in the bits of seen */
extern bool pm_tariff_read_key(PmTariffReader *r, const char *const *names,
							   uint32 *seen, int *key);

/* Behind a value: a comma, or the end of what c closes */
extern bool pm_tariff_read_next(PmTariffReader *r, char c, bool *done);

/* A string that is one of names */
extern bool pm_tariff_read_choice(PmTariffReader *r, const char *key,
								  const char *const *names, int *choice);

/* A number that a tariff may hold, palloc'd, without trailing zeros */
extern bool pm_tariff_read_number(PmTariffReader *r, const char *key, Numeric *number);

static inline bool
pm_tariff_at(const PmTariffReader *r, char c)
{
	return r->kind == PM_TOKEN_PUNCTUATION && *r->token == c;
}

static inline bool
pm_tariff_at_null(const PmTariffReader *r)
{
	return r->kind == PM_TOKEN_WORD && r->length == 4 &&
		strncmp(r->token, "null", 4) == 0;
}

#endif							/* PM_TARIFF_READER_H */
