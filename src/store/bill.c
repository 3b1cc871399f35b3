/*-------------------------------------------------------------------------
 *
 * bill.c
 *	  Reading issued bills; see bill.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "store/bill.h"
#include "store/statement.h"

#define MONEY(value) "round(" value ", greatest(scale(trim_scale(" value ")), b.scale))::text"
#define MINUTE(instant) "to_char(" instant " AT TIME ZONE b.time_zone, 'YYYY-MM-DD HH24:MI')"

static void
read_head(PmArgs *args, PmBill *bill)
{
	static PmStatement read = PM_STATEMENT("int8;int8",
										   "SELECT t.name, to_char(b.period_start AT TIME ZONE b.time_zone, 'YYYY-MM'),"
										   " " MINUTE("b.period_start") ", " MINUTE("p.period_end") ", " MINUTE("b.issued_at") ","
										   " b.time_zone, b.currency, b.rounding::text, round(power(10::numeric, -b.scale), b.scale)::text,"
										   " " MONEY("b.amount - l.taxes") ", " MONEY("b.amount") ", b.total::text, l.taxed"
										   " FROM pool_manager.bill b JOIN pool_manager.tenant t USING (tenant_id)"
										   " JOIN pool_manager.billing_period p USING (tenant_id, period_start),"
										   " LATERAL (SELECT coalesce(sum(l.amount), 0) AS taxes, count(*) > 0 AS taxed"
										   "  FROM pool_manager.bill_line l WHERE l.tenant_id = b.tenant_id AND l.bill_id = b.bill_id"
										   "   AND l.kind = 'tax') AS l"
										   " WHERE b.tenant_id = $1 AND b.bill_id = $2");
	char	  **columns[] = {&bill->tenant, &bill->month, &bill->starts, &bill->ends, &bill->issued,
		&bill->time_zone, &bill->currency, &bill->rounding, &bill->minor_unit, &bill->net,
	&bill->amount, &bill->total};

	pm_run(&read, args);
	for (int c = 0; c < (int) lengthof(columns); c++)
		*columns[c] = pm_get_text(0, c + 1);
	bill->taxed = pm_get_bool(0, lengthof(columns) + 1);
}

int
pm_read_bill(int64 tenant_id, int64 bill_id, PmBill *bill, PmBillLine **lines)
{
	static PmStatement read = PM_STATEMENT("int8;int8",
										   "SELECT d.line_no, d.kind::text, d.month, d.sku, d.tier, trim_scale(d.quantity)::text, d.unit,"
										   " " MONEY("d.unit_price") ", " MONEY("d.amount") ", d.description,"
										   " d.quantity = 0 AND d.amount = 0"
										   " FROM pool_manager.bill_detail d JOIN pool_manager.bill b USING (tenant_id, bill_id)"
										   " WHERE tenant_id = $1 AND bill_id = $2 ORDER BY d.line_no");
	PmArgs		args = {0};
	int			n;

	pm_arg_int64(&args, tenant_id);
	pm_arg_int64(&args, bill_id);
	read_head(&args, bill);
	n = (int) pm_run(&read, &args);
	*lines = palloc(sizeof(PmBillLine) * Max(n, 1));
	for (int i = 0; i < n; i++)
	{
		PmBillLine *line = &(*lines)[i];

		line->line_no = pm_get_int32(i, 1);
		line->kind = pm_get_text(i, 2);
		line->month = pm_get_text(i, 3);
		line->sku = pm_get_text(i, 4);
		line->tier = pm_get_int32(i, 5);
		line->quantity = pm_get_text(i, 6);
		line->unit = pm_get_text(i, 7);
		line->unit_price = pm_get_text(i, 8);
		line->amount = pm_get_text(i, 9);
		line->description = pm_get_text(i, 10);
		line->empty = pm_get_bool(i, 11);
	}
	return n;
}
