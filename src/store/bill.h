/*-------------------------------------------------------------------------
 *
 * bill.h
 *	  Reading issued bills, as they are printed.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PM_BILL_H
#define PM_BILL_H

#include "store/session.h"

/* Numbers are text, all digits kept; money has at least those of its currency */
typedef struct PmBill
{
	char	   *tenant;
	char	   *month;
	char	   *starts;			/* in the contract's time zone */
	char	   *ends;
	char	   *issued;
	char	   *time_zone;
	char	   *currency;
	char	   *rounding;
	char	   *minor_unit;		/* 0.01 */
	char	   *net;			/* without taxes and rounding */
	char	   *amount;			/* without rounding */
	char	   *total;
	bool		taxed;
} PmBill;

typedef struct PmBillLine
{
	int			line_no;
	char	   *kind;
	char	   *month;
	char	   *sku;			/* NULL, as what follows: not usage */
	int			tier;			/* 0: the tariff has none that are lines */
	char	   *quantity;
	char	   *unit;
	char	   *unit_price;		/* NULL: no price makes the amount */
	char	   *amount;
	char	   *description;
	bool		empty;			/* all that it sums was taken back */
} PmBillLine;

/* Lines in order; palloc'd */
extern int	pm_read_bill(int64 tenant_id, int64 bill_id, PmBill *bill, PmBillLine **lines);

#endif							/* PM_BILL_H */
