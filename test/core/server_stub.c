/*-------------------------------------------------------------------------
 *
 * server_stub.c
 *	  What all code needs of a server, for a program that is none: memory, and
 *	  errors that jump back to the test.
 *
 * Every chunk is a block of its own, so that a sanitizer sees each overrun.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "nodes/memnodes.h"
#include "server_stub.h"
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
int			passed;
int			failed;

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

void *
MemoryContextAllocZero(MemoryContext context, Size size)
{
	(void) context;
	return palloc0(size);
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
MESSAGE_FUNCTION(errhint)

void
errfinish(const char *filename, int lineno, const char *funcname)
{
	(void) filename;
	(void) lineno;
	(void) funcname;
	longjmp(stub_error_jump, 1);
}

/* 16: soft errors, which are thrown here */
#if PG_VERSION_NUM >= 160000
bool
errsave_start(struct Node *context, const char *domain)
{
	(void) context;
	return errstart(ERROR, domain);
}

void
errsave_finish(struct Node *context, const char *filename, int lineno, const char *funcname)
{
	(void) context;
	errfinish(filename, lineno, funcname);
}
#endif
