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

/* The arguments of amount() and lines(): what is asked for, and with what was already */
typedef struct Quantities
{
	PmExact		quantity;
	bool		booked;			/* was anything booked? */
	PmExact		already;
	PmExact		total;
} Quantities;

static void
get_quantities(FunctionCallInfo fcinfo, Quantities *asked)
{
	asked->quantity = pm_exact(PG_GETARG_NUMERIC(1));
	asked->booked = !PG_ARGISNULL(2);
	asked->already = asked->booked ? pm_exact(PG_GETARG_NUMERIC(2)) : pm_exact_of(0, 0);
	if (!pm_exact_is_finite(asked->quantity) || !pm_exact_is_finite(asked->already))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("quantity must be a finite number")));

	asked->total = pm_exact_add(asked->already, asked->quantity);
	if (pm_exact_sign(asked->total) < 0 || pm_exact_sign(asked->already) < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("quantity must not be negative"),
				 errdetail("Neither what is already used nor the sum with the new quantity can be below 0.")));
}

/* amount(tariff, quantity, already): A(already + quantity) - A(already) */
Datum
pm_tariff_amount(PG_FUNCTION_ARGS)
{
	PmTariff   *tariff;
	Quantities	asked;
	PmExact		amount;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	tariff = PG_GETARG_TARIFF_P(0);
	get_quantities(fcinfo, &asked);
	if (asked.booked)
		amount = pm_tariff_step(tariff, asked.already, asked.quantity);
	else
		amount = pm_tariff_total(tariff, asked.total, true);
	PG_RETURN_NUMERIC(pm_exact_numeric(amount));
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
	static const PmTariffLine none = {0};
	const PmTariffLine *line = after ? after : before;
	PmExact		quantity;
	PmExact		flat;
	PmExact		amount;
	Datum		values[5];
	bool		nulls[5] = {false};

	if (after == NULL)
		after = &none;
	if (before == NULL)
		before = &none;
	quantity = pm_exact_subtract(after->quantity, before->quantity);
	flat = pm_exact_subtract(after->flat, before->flat);
	amount = pm_exact_subtract(after->amount, before->amount);
	if (pm_exact_sign(quantity) == 0 && pm_exact_sign(flat) == 0 && pm_exact_sign(amount) == 0)
		return;

	values[0] = Int32GetDatum(line->tier);
	nulls[0] = line->tier == 0;
	values[1] = NumericGetDatum(pm_exact_numeric(quantity));
	values[2] = line->unit_price ? NumericGetDatum(line->unit_price) : (Datum) 0;
	nulls[2] = line->unit_price == NULL;
	values[3] = NumericGetDatum(pm_exact_numeric(flat));
	values[4] = NumericGetDatum(pm_exact_numeric(amount));
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
	Quantities	asked;
	int			nafter;
	int			nbefore = 0;
	int			tier;

	InitMaterializedSRF(fcinfo, 0);
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		return (Datum) 0;
	tariff = PG_GETARG_TARIFF_P(0);
	get_quantities(fcinfo, &asked);

	after = palloc(sizeof(PmTariffLine) * (tariff->ntiers + 1));
	before = palloc(sizeof(PmTariffLine) * (tariff->ntiers + 1));
	nafter = pm_tariff_lines(tariff, asked.total, after);
	if (asked.booked)
		nbefore = pm_tariff_lines(tariff, asked.already, before);

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
