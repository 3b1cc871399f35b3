/*-------------------------------------------------------------------------
 *
 * tariff_stub.c
 *	  What tariffs need of a server, for a program that is none: memory,
 *	  errors that jump back to the test, strings, and calls of functions.
 *	  Numbers are decimal.c's.
 *
 * Every chunk is a block of its own, so that a sanitizer sees each overrun.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "nodes/memnodes.h"
#include "tariff_test.h"
#include "utils/memutils.h"

/* The C library's, not the server's */
#undef vsnprintf

typedef struct Chunk
{
	struct Chunk *next;
	struct Chunk *prev;
} Chunk;

static MemoryContextData contexts[2];
static Chunk chunks[2] = {{&chunks[0], &chunks[0]}, {&chunks[1], &chunks[1]}};

MemoryContext TopMemoryContext = &contexts[0];
MemoryContext CurrentMemoryContext = &contexts[1];
jmp_buf		stub_error_jump;
int			stub_error_code;

/* ---- memory ---- */

static void
link_chunk(Chunk *chunk)
{
	Chunk	   *head = &chunks[CurrentMemoryContext - contexts];

	chunk->prev = head;
	chunk->next = head->next;
	head->next->prev = chunk;
	head->next = chunk;
}

static void
unlink_chunk(Chunk *chunk)
{
	chunk->prev->next = chunk->next;
	chunk->next->prev = chunk->prev;
}

void *
palloc(Size size)
{
	Chunk	   *chunk = malloc(sizeof(Chunk) + size);

	if (chunk == NULL)
		abort();
	link_chunk(chunk);
	return memset(chunk + 1, 0x7F, size);
}

void *
palloc0(Size size)
{
	return memset(palloc(size), 0, size);
}

void
pfree(void *pointer)
{
	Chunk	   *chunk = (Chunk *) pointer - 1;

	unlink_chunk(chunk);
	free(chunk);
}

void *
repalloc(void *pointer, Size size)
{
	Chunk	   *chunk = (Chunk *) pointer - 1;

	unlink_chunk(chunk);
	chunk = realloc(chunk, sizeof(Chunk) + size);
	if (chunk == NULL)
		abort();
	link_chunk(chunk);
	return chunk + 1;
}

void
stub_free_memory(void)
{
	CurrentMemoryContext = &contexts[1];
	while (chunks[1].next != &chunks[1])
		pfree(chunks[1].next + 1);
}

/* ---- errors ---- */

bool
errstart(int elevel, const char *domain)
{
	(void) domain;
	stub_error_code = 0;
	return elevel >= ERROR;
}

bool
errstart_cold(int elevel, const char *domain)
{
	return errstart(elevel, domain);
}

int
errcode(int sqlerrcode)
{
	stub_error_code = sqlerrcode;
	return 0;
}

/* What a message prints has to be there */
static int
print_message(const char *format, va_list args)
{
	char		message[4096];

	vsnprintf(message, sizeof(message), format, args);
	return 0;
}

#define MESSAGE_FUNCTION(name) \
int \
name(const char *fmt,...) \
{ \
	va_list		args; \
\
	va_start(args, fmt); \
	print_message(fmt, args); \
	va_end(args); \
	return 0; \
}

MESSAGE_FUNCTION(errmsg)
MESSAGE_FUNCTION(errmsg_internal)
MESSAGE_FUNCTION(errdetail)

void
errfinish(const char *filename, int lineno, const char *funcname)
{
	(void) filename;
	(void) lineno;
	(void) funcname;
	longjmp(stub_error_jump, 1);
}

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

void
appendBinaryStringInfo(StringInfo str, const char *data, int datalen)
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
