/*-------------------------------------------------------------------------
 *
 * tariff_io.c
 *	  SQL functions of the type tariff: text, binary and JSON forms, equality
 *	  and hash, amount() and lines().
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "compat.h"
#include "fmgr.h"
#include "funcapi.h"
#include "libpq/pqformat.h"
#include "types/tariff.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"

#define BINARY_VERSION	1		/* of send and recv: this byte, then the text */

PG_FUNCTION_INFO_V1(pm_tariff_in);
PG_FUNCTION_INFO_V1(pm_tariff_out);
PG_FUNCTION_INFO_V1(pm_tariff_recv);
PG_FUNCTION_INFO_V1(pm_tariff_send);
PG_FUNCTION_INFO_V1(pm_tariff_from_numeric);
PG_FUNCTION_INFO_V1(pm_tariff_from_jsonb);
PG_FUNCTION_INFO_V1(pm_tariff_to_jsonb);
PG_FUNCTION_INFO_V1(pm_tariff_eq);
PG_FUNCTION_INFO_V1(pm_tariff_ne);
PG_FUNCTION_INFO_V1(pm_tariff_hash);
PG_FUNCTION_INFO_V1(pm_tariff_hash_extended);
PG_FUNCTION_INFO_V1(pm_tariff_amount);
PG_FUNCTION_INFO_V1(pm_tariff_lines_srf);

Datum
pm_tariff_in(PG_FUNCTION_ARGS)
{
	PmTariff   *tariff = pm_tariff_parse(PG_GETARG_CSTRING(0), fcinfo->context);

	if (tariff == NULL)
		PG_RETURN_NULL();		/* soft error */
	PG_RETURN_TARIFF_P(tariff);
}

Datum
pm_tariff_out(PG_FUNCTION_ARGS)
{
	PG_RETURN_CSTRING(pm_tariff_text(PG_GETARG_TARIFF_P(0)));
}

Datum
pm_tariff_recv(PG_FUNCTION_ARGS)
{
	StringInfo	buf = (StringInfo) PG_GETARG_POINTER(0);
	int			version = pq_getmsgint(buf, 1);
	char	   *text;
	int			length;

	if (version != BINARY_VERSION)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("unsupported tariff version number %d", version)));
	text = pq_getmsgtext(buf, buf->len - buf->cursor, &length);
	PG_RETURN_TARIFF_P(pm_tariff_parse(text, NULL));
}

Datum
pm_tariff_send(PG_FUNCTION_ARGS)
{
	char	   *text = pm_tariff_text(PG_GETARG_TARIFF_P(0));
	StringInfoData buf;

	pq_begintypsend(&buf);
	pq_sendint8(&buf, BINARY_VERSION);
	pq_sendtext(&buf, text, strlen(text));
	PG_RETURN_BYTEA_P(pq_endtypsend(&buf));
}

Datum
pm_tariff_from_numeric(PG_FUNCTION_ARGS)
{
	char	   *text = DatumGetCString(DirectFunctionCall1(numeric_out, PG_GETARG_DATUM(0)));

	PG_RETURN_TARIFF_P(pm_tariff_parse(text, NULL));
}

Datum
pm_tariff_from_jsonb(PG_FUNCTION_ARGS)
{
	Jsonb	   *jsonb = PG_GETARG_JSONB_P(0);
	char	   *text = JsonbToCString(NULL, &jsonb->root, VARSIZE(jsonb));

	PG_RETURN_TARIFF_P(pm_tariff_parse(text, NULL));
}

Datum
pm_tariff_to_jsonb(PG_FUNCTION_ARGS)
{
	char	   *text = pm_tariff_text(PG_GETARG_TARIFF_P(0));

	return DirectFunctionCall1(jsonb_in, CStringGetDatum(text));
}

Datum
pm_tariff_eq(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(pm_tariff_equal(PG_GETARG_TARIFF_P(0), PG_GETARG_TARIFF_P(1)));
}

Datum
pm_tariff_ne(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(!pm_tariff_equal(PG_GETARG_TARIFF_P(0), PG_GETARG_TARIFF_P(1)));
}

Datum
pm_tariff_hash(PG_FUNCTION_ARGS)
{
	PmTariff   *tariff = PG_GETARG_TARIFF_P(0);

	return hash_any((unsigned char *) VARDATA(tariff), VARSIZE(tariff) - VARHDRSZ);
}

Datum
pm_tariff_hash_extended(PG_FUNCTION_ARGS)
{
	PmTariff   *tariff = PG_GETARG_TARIFF_P(0);

	return hash_any_extended((unsigned char *) VARDATA(tariff),
							 VARSIZE(tariff) - VARHDRSZ, PG_GETARG_INT64(1));
}

/* The arguments of amount() and lines(); already is NULL if nothing is booked */
static void
get_quantities(FunctionCallInfo fcinfo, Numeric *already, Numeric *total)
{
	Numeric		quantity = PG_GETARG_NUMERIC(1);
	Numeric		zero = pm_tariff_zero();

	*already = PG_ARGISNULL(2) ? NULL : PG_GETARG_NUMERIC(2);
	if (numeric_is_nan(quantity) || numeric_is_inf(quantity) ||
		(*already && (numeric_is_nan(*already) || numeric_is_inf(*already))))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("quantity must be a finite number")));

	*total = quantity;
	if (*already)
		*total = DatumGetNumeric(DirectFunctionCall2(numeric_add, NumericGetDatum(*already),
													 NumericGetDatum(quantity)));
	if (DatumGetInt32(DirectFunctionCall2(numeric_cmp, NumericGetDatum(*total),
										  NumericGetDatum(zero))) < 0 ||
		(*already &&
		 DatumGetInt32(DirectFunctionCall2(numeric_cmp, NumericGetDatum(*already),
										   NumericGetDatum(zero))) < 0))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("quantity must not be negative"),
				 errdetail("Neither what is already used nor the sum with the new quantity can be below 0.")));
}

static Datum
trim(Numeric number)
{
	return DirectFunctionCall1(numeric_trim_scale, NumericGetDatum(number));
}

static Datum
difference(Numeric after, Numeric before)
{
	return trim(DatumGetNumeric(DirectFunctionCall2(numeric_sub, NumericGetDatum(after),
													NumericGetDatum(before))));
}

/* amount(tariff, quantity, already): A(already + quantity) - A(already) */
Datum
pm_tariff_amount(PG_FUNCTION_ARGS)
{
	PmTariff   *tariff;
	Numeric		already;
	Numeric		total;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	tariff = PG_GETARG_TARIFF_P(0);
	get_quantities(fcinfo, &already, &total);

	return trim(already ? pm_tariff_step(tariff, already, PG_GETARG_NUMERIC(1)) :
				pm_tariff_total(tariff, total, true));
}

static bool
is_zero(Datum number)
{
	return DatumGetInt32(DirectFunctionCall2(numeric_cmp, number,
											 NumericGetDatum(pm_tariff_zero()))) == 0;
}

/* The line of a tier among those of an amount; tiers ascend, 0 comes last */
static const PmTariffLine *
find_line(const PmTariffLine *lines, int nlines, int tier)
{
	int			i;

	for (i = 0; i < nlines; i++)
	{
		if (lines[i].tier == tier)
			return &lines[i];
	}
	return NULL;
}

/* One row: a tier's line after less the same tier's before; either may be NULL */
static void
put_line(ReturnSetInfo *rsinfo, const PmTariffLine *after, const PmTariffLine *before)
{
	const PmTariffLine *line = after ? after : before;
	PmTariffLine none;
	Datum		values[5];
	bool		nulls[5] = {false};

	none.quantity = none.flat = none.amount = pm_tariff_zero();
	if (after == NULL)
		after = &none;
	if (before == NULL)
		before = &none;

	values[0] = Int32GetDatum(line->tier);
	nulls[0] = line->tier == 0;
	values[1] = difference(after->quantity, before->quantity);
	values[2] = line->unit_price ? NumericGetDatum(line->unit_price) : (Datum) 0;
	nulls[2] = line->unit_price == NULL;
	values[3] = difference(after->flat, before->flat);
	values[4] = difference(after->amount, before->amount);

	if (is_zero(values[1]) && is_zero(values[3]) && is_zero(values[4]))
		return;
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

/* lines(tariff, quantity, already): the tiers that make up amount() */
Datum
pm_tariff_lines_srf(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	PmTariff   *tariff;
	PmTariffLine *after;
	PmTariffLine *before;
	Numeric		already;
	Numeric		total;
	int			nafter;
	int			nbefore = 0;
	int			tier;

	InitMaterializedSRF(fcinfo, 0);
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		return (Datum) 0;
	tariff = PG_GETARG_TARIFF_P(0);
	get_quantities(fcinfo, &already, &total);

	after = palloc(sizeof(PmTariffLine) * (tariff->ntiers + 1));
	before = palloc(sizeof(PmTariffLine) * (tariff->ntiers + 1));
	nafter = pm_tariff_lines(tariff, total, after);
	if (already)
		nbefore = pm_tariff_lines(tariff, already, before);

	/* tiers from 1, then what the minimum adds */
	for (tier = 1; tier <= (int) tariff->ntiers + 1; tier++)
	{
		int			t = tier <= (int) tariff->ntiers ? tier : 0;
		const PmTariffLine *a = find_line(after, nafter, t);
		const PmTariffLine *b = find_line(before, nbefore, t);

		if (a != NULL || b != NULL)
			put_line(rsinfo, a, b);
	}
	return (Datum) 0;
}
