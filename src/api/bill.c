/*-------------------------------------------------------------------------
 *
 * bill.c
 *	  bill_text(): a bill laid out for people.
 *
 * Numbers stand under each other by their points.  What is left of the width
 * is for the label, which goes on in further rows.  Where numbers leave too
 * little for it, each line is two: the label, then the numbers.  Width is what
 * a terminal shows, as psql counts it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "funcapi.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"

#include "store/bill.h"
#include "store/find.h"

#define PAGE_WIDTH		98		/* psql adds a blank on either side */
#define LABEL_WIDTH		24		/* at least, beside numbers */
#define GAP				2

/* Titles of columns; what stands for a unit price where there is none */
#define NUMBER			"No"
#define QUANTITY		"Quantity"
#define UNIT			"Unit"
#define UNIT_PRICE		"Unit price"
#define AMOUNT			"Amount"
#define BY_TARIFF		"by tariff"

/* A column of numbers: digits on either side of the point */
typedef struct NumberColumn
{
	int			before;
	int			after;
} NumberColumn;

typedef struct Sheet
{
	ReturnSetInfo *result;
	int			no_width;
	int			label_width;	/* beside quantity, unit and price */
	int			wide_width;		/* beside an amount only */
	bool		stacked;
	NumberColumn quantity;
	int			unit_width;
	NumberColumn price;
	NumberColumn amount;
} Sheet;

/* ---- text ---- */

static int
char_width(const char *text)
{
	return Max(pg_encoding_dsplen(GetDatabaseEncoding(), text), 0);
}

static int
text_width(const char *text)
{
	int			width = 0;

	for (; *text; text += pg_mblen(text))
		width += char_width(text);
	return width;
}

/* Bytes of text that fit into a width, up to a blank if there is one */
static int
piece_length(const char *text, int width)
{
	int			length = 0;
	int			blank = 0;

	while (text[length])
	{
		if (text[length] == ' ')
			blank = length;
		width -= char_width(text + length);
		if (width < 0)
			return blank > 0 ? blank : Max(length, pg_mblen(text));
		length += pg_mblen(text + length);
	}
	return length;
}

/* Line breaks and other control characters would break the rows */
static char *
one_line(char *text)
{
	for (char *c = text; *c; c += pg_mblen(c))
		if ((unsigned char) *c < ' ' || *c == 0x7f)
			*c = ' ';
	return text;
}

static void
append_right(StringInfo row, const char *text, int width)
{
	appendStringInfoSpaces(row, Max(width - text_width(text), 0));
	appendStringInfoString(row, text);
}

/* ---- columns ---- */

static int
digits_before(const char *number)
{
	return (int) strcspn(number, ".");
}

static void
widen(NumberColumn *column, const char *number)
{
	column->before = Max(column->before, digits_before(number));
	column->after = Max(column->after, (int) strlen(number) - digits_before(number));
}

static int
column_width(const NumberColumn *column)
{
	return column->before + column->after;
}

/* Room for a text above or among the numbers */
static void
make_room(NumberColumn *column, const char *text)
{
	column->before += Max((int) strlen(text) - column_width(column), 0);
}

static void
append_number(StringInfo row, const NumberColumn *column, const char *number)
{
	appendStringInfoSpaces(row, column->before - digits_before(number));
	appendStringInfoString(row, number);
	appendStringInfoSpaces(row, column->after - ((int) strlen(number) - digits_before(number)));
}

static void
measure(Sheet *sheet, const PmBill *bill, const PmBillLine *lines, int n)
{
	int			numbers;

	sheet->no_width = strlen(NUMBER);
	sheet->unit_width = strlen(UNIT);
	widen(&sheet->amount, bill->net);
	widen(&sheet->amount, bill->amount);
	widen(&sheet->amount, bill->total);
	for (int i = 0; i < n; i++)
	{
		sheet->no_width = Max(sheet->no_width, (int) strlen(psprintf("%d", lines[i].line_no)));
		widen(&sheet->amount, lines[i].amount);
		if (lines[i].sku == NULL)
			continue;
		widen(&sheet->quantity, lines[i].quantity);
		sheet->unit_width = Max(sheet->unit_width, text_width(lines[i].unit));
		if (lines[i].unit_price)
			widen(&sheet->price, lines[i].unit_price);
	}
	make_room(&sheet->quantity, QUANTITY);
	make_room(&sheet->price, UNIT_PRICE);
	make_room(&sheet->amount, AMOUNT);
	sheet->wide_width = PAGE_WIDTH - sheet->no_width - 2 * GAP - column_width(&sheet->amount);
	numbers = column_width(&sheet->quantity) + sheet->unit_width + column_width(&sheet->price) + 3 * GAP;
	sheet->label_width = sheet->wide_width - numbers;
	sheet->stacked = sheet->label_width < LABEL_WIDTH;
}

/* ---- rows ---- */

static void
put(Sheet *sheet, StringInfo row)
{
	Datum		value;
	bool		isnull = false;

	while (row->len > 0 && row->data[row->len - 1] == ' ')
		row->data[--row->len] = '\0';
	value = CStringGetTextDatum(row->data);
	tuplestore_putvalues(sheet->result->setResult, sheet->result->setDesc, &value, &isnull);
	resetStringInfo(row);
}

static void
put_text(Sheet *sheet, const char *text)
{
	StringInfoData row;

	initStringInfo(&row);
	appendStringInfoString(&row, text);
	put(sheet, &row);
}

/* A field of the head, in as many rows as it takes */
static void
put_field(Sheet *sheet, const char *title, const char *text)
{
	const int	indent = 10;
	StringInfoData row;

	initStringInfo(&row);
	do
	{
		int			length = piece_length(text, PAGE_WIDTH - indent);

		appendStringInfo(&row, "%-*s%.*s", indent, title, length, text);
		put(sheet, &row);
		title = "";
		text += length;
		text += strspn(text, " ");
	} while (*text);
}

/*
 * A row with a label in a width, then fields that are as wide as their
 * columns, then an amount; the label goes on below.  No number: 0.
 */
static void
put_row(Sheet *sheet, int line_no, const char *label, int width, const char *fields, const char *amount)
{
	StringInfoData row;

	initStringInfo(&row);
	append_right(&row, line_no > 0 ? psprintf("%d", line_no) : "", sheet->no_width);
	for (;;)
	{
		int			length = piece_length(label, width);
		char	   *piece = pnstrdup(label, length);

		appendStringInfoSpaces(&row, GAP);
		appendStringInfoString(&row, piece);
		appendStringInfoSpaces(&row, Max(width - text_width(piece), 0));
		appendStringInfoString(&row, fields);
		if (amount)
		{
			appendStringInfoSpaces(&row, GAP);
			append_number(&row, &sheet->amount, amount);
		}
		put(sheet, &row);
		label += length;
		label += strspn(label, " ");
		if (*label == '\0')
			break;
		fields = "";
		amount = NULL;
		appendStringInfoSpaces(&row, sheet->no_width);
	}
}

static void
put_usage(Sheet *sheet, const PmBillLine *line, const char *label)
{
	const char *price = line->unit_price ? line->unit_price : BY_TARIFF;
	StringInfoData fields;

	initStringInfo(&fields);
	if (sheet->stacked)
	{
		put_row(sheet, line->line_no, label, PAGE_WIDTH - sheet->no_width - GAP, "", NULL);
		appendStringInfo(&fields, "%s %s%s%s", line->quantity, line->unit, line->unit_price ? " x " : " ", price);
		put_row(sheet, 0, fields.data, sheet->wide_width, "", line->amount);
		return;
	}
	appendStringInfoSpaces(&fields, GAP);
	append_number(&fields, &sheet->quantity, line->quantity);
	appendStringInfoSpaces(&fields, GAP);
	appendStringInfoString(&fields, line->unit);
	appendStringInfoSpaces(&fields, GAP + sheet->unit_width - text_width(line->unit));
	if (line->unit_price)
		append_number(&fields, &sheet->price, price);
	else
		append_right(&fields, price, column_width(&sheet->price));
	put_row(sheet, line->line_no, label, sheet->label_width, fields.data, line->amount);
}

/* What was used, or what for; with the month, if it is not the bill's */
static char *
label_of(const PmBill *bill, const PmBillLine *line)
{
	StringInfoData label;

	initStringInfo(&label);
	appendStringInfoString(&label, line->sku ? line->sku : one_line(line->description));
	if (line->tier > 0)
		appendStringInfo(&label, ", tier %d", line->tier);
	if (strcmp(line->month, bill->month) != 0)
		appendStringInfo(&label, ", %s", line->month);
	return label.data;
}

static void
put_rule(Sheet *sheet, char rule, int width)
{
	StringInfoData row;

	initStringInfo(&row);
	appendStringInfoSpaces(&row, PAGE_WIDTH - width);
	for (int i = 0; i < width; i++)
		appendStringInfoChar(&row, rule);
	put(sheet, &row);
}

static void
put_sum(Sheet *sheet, const char *label, const char *amount)
{
	put_rule(sheet, '-', column_width(&sheet->amount));
	put_row(sheet, 0, label, sheet->wide_width, "", amount);
}

/* ---- the bill ---- */

static void
put_head(Sheet *sheet, const PmBill *bill, int64 bill_id)
{
	put_text(sheet, psprintf("Bill " INT64_FORMAT, bill_id));
	put_text(sheet, "");
	put_field(sheet, "Tenant", bill->tenant);
	put_field(sheet, "Month", bill->month);
	put_field(sheet, "Period", psprintf("%s to %s, %s", bill->starts, bill->ends, bill->time_zone));
	put_field(sheet, "Issued", psprintf("%s, %s", bill->issued, bill->time_zone));
	put_field(sheet, "Currency", bill->currency);
	put_text(sheet, "");
}

static void
put_titles(Sheet *sheet)
{
	StringInfoData row;

	initStringInfo(&row);
	append_right(&row, NUMBER, sheet->no_width);
	appendStringInfoSpaces(&row, GAP);
	if (sheet->stacked)
		appendStringInfoSpaces(&row, sheet->wide_width);
	else
	{
		appendStringInfoSpaces(&row, sheet->label_width + GAP);
		append_right(&row, QUANTITY, column_width(&sheet->quantity));
		appendStringInfo(&row, "%*s%-*s%*s", GAP, "", sheet->unit_width, UNIT, GAP, "");
		append_right(&row, UNIT_PRICE, column_width(&sheet->price));
	}
	appendStringInfoSpaces(&row, GAP);
	append_right(&row, AMOUNT, column_width(&sheet->amount));
	put(sheet, &row);
	put_rule(sheet, '-', PAGE_WIDTH);
}

/* What kinds of lines are headed by; the last has its reason in the line */
static const char *
heading(const char *kind)
{
	return strcmp(kind, "usage") == 0 ? "Usage" : strcmp(kind, "correction") == 0 ? "Corrections of earlier months" :
		strcmp(kind, "adjustment") == 0 ? "Adjustments" : "Taxes";
}

static char *
rounding_label(const PmBill *bill)
{
	const char *rule = strcmp(bill->rounding, "cut") == 0 ? "cut" :
		strcmp(bill->rounding, "half_up") == 0 ? "half up" : "half to even";

	return psprintf("Rounding, %s, to %s", rule, bill->minor_unit);
}

static void
put_lines(Sheet *sheet, const PmBill *bill, const PmBillLine *lines, int n)
{
	const char *kind = "";

	for (int i = 0; i < n; i++)
	{
		const PmBillLine *line = &lines[i];

		if (line->empty)
			continue;
		if (strcmp(line->kind, "rounding") == 0)
		{
			put_sum(sheet, bill->taxed ? "With taxes" : "Subtotal", bill->amount);
			put_row(sheet, line->line_no, rounding_label(bill), sheet->wide_width, "", line->amount);
			continue;
		}
		if (strcmp(line->kind, kind) != 0)
		{
			if (strcmp(line->kind, "tax") == 0 && kind[0])
				put_sum(sheet, "Subtotal", bill->net);
			kind = line->kind;
			put_row(sheet, 0, heading(kind), sheet->wide_width, "", NULL);
		}
		if (line->sku)
			put_usage(sheet, line, label_of(bill, line));
		else
			put_row(sheet, line->line_no, label_of(bill, line), sheet->wide_width, "", line->amount);
	}
	put_sum(sheet, psprintf("Total %s", bill->currency), bill->total);
}

PG_FUNCTION_INFO_V1(pm_bill_text);

Datum
pm_bill_text(PG_FUNCTION_ARGS)
{
	int64		bill_id = PG_GETARG_INT64(0);
	Sheet		sheet = {0};
	PmBill		bill;
	PmBillLine *lines;
	PmCall		call;
	int			n;

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	sheet.result = (ReturnSetInfo *) fcinfo->resultinfo;
	pm_begin(&call, fcinfo);
	n = pm_read_bill(pm_find_bill(&call, bill_id), bill_id, &bill, &lines);
	measure(&sheet, &bill, lines, n);
	put_head(&sheet, &bill, bill_id);
	put_titles(&sheet);
	put_lines(&sheet, &bill, lines, n);
	pm_end(&call);
	return (Datum) 0;
}
