/*-------------------------------------------------------------------------
 *
 * tariff_stub.c
 *	  What tariffs need of a server beside server_stub.c: strings, and calls of
 *	  functions.  Numbers are decimal.c's.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "lib/stringinfo.h"

/* The C library's, not the server's */
#undef vsnprintf

/* ---- strings ---- */

void
initStringInfo(StringInfo str)
{
	str->data = palloc(1);
	str->data[0] = '\0';
	str->len = 0;
	str->maxlen = 1;
	str->cursor = 0;
}

/* 16: of whatever type */
#if PG_VERSION_NUM >= 160000
#define BYTES void
#else
#define BYTES char
#endif

void
appendBinaryStringInfo(StringInfo str, const BYTES *data, int datalen)
{
	str->data = repalloc(str->data, str->len + datalen + 1);
	memcpy(str->data + str->len, data, datalen);
	str->len += datalen;
	str->data[str->len] = '\0';
	str->maxlen = str->len + 1;
}

void
appendStringInfoString(StringInfo str, const char *s)
{
	appendBinaryStringInfo(str, s, strlen(s));
}

void
appendStringInfoChar(StringInfo str, char ch)
{
	appendBinaryStringInfo(str, &ch, 1);
}

static char *
print(const char *format, va_list args)
{
	va_list		again;
	char	   *text;
	int			length;

	va_copy(again, args);
	length = vsnprintf(NULL, 0, format, again);
	va_end(again);
	text = palloc(length + 1);
	vsnprintf(text, length + 1, format, args);
	return text;
}

void
appendStringInfo(StringInfo str, const char *fmt,...)
{
	va_list		args;

	va_start(args, fmt);
	appendStringInfoString(str, print(fmt, args));
	va_end(args);
}

char *
psprintf(const char *fmt,...)
{
	va_list		args;
	char	   *text;

	va_start(args, fmt);
	text = print(fmt, args);
	va_end(args);
	return text;
}

/* ---- calls ---- */

static Datum
call(PGFunction func, int n, Datum a, Datum b, Datum c)
{
	LOCAL_FCINFO(fcinfo, 3);

	InitFunctionCallInfoData(*fcinfo, NULL, n, InvalidOid, NULL, NULL);
	fcinfo->args[0].value = a;
	fcinfo->args[1].value = b;
	fcinfo->args[2].value = c;
	fcinfo->args[0].isnull = fcinfo->args[1].isnull = fcinfo->args[2].isnull = false;
	return func(fcinfo);
}

Datum
DirectFunctionCall1Coll(PGFunction func, Oid collation, Datum arg1)
{
	return call(func, 1, arg1, 0, 0);
}

Datum
DirectFunctionCall2Coll(PGFunction func, Oid collation, Datum arg1, Datum arg2)
{
	return call(func, 2, arg1, arg2, 0);
}

Datum
DirectFunctionCall3Coll(PGFunction func, Oid collation, Datum arg1, Datum arg2, Datum arg3)
{
	return call(func, 3, arg1, arg2, arg3);
}

struct varlena *
pg_detoast_datum(struct varlena *datum)
{
	return datum;
}
