/*-------------------------------------------------------------------------
 *
 * session.h
 *	  The frame of a call: who acts, and in whose name the tables are touched.
 *
 * A call begins as the actor (GetUserId(): the role that SQL runs as, right
 * behind a pooler too), goes on as the owner of the called function, which is
 * the extension's owner, with a search_path of its own, and ends as the actor.
 * After an error the transaction or subtransaction abort puts both back.
 * Between begin and end SPI is connected.
 *
 * The body of a call in PL/pgSQL is SQL again, and runs as the owner.  What it
 * calls is done in the name of the actor of that call.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PM_SESSION_H
#define PM_SESSION_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "fmgr.h"

typedef struct PmCall
{
	Oid			actor;
	char	   *actor_name;
	Oid			owner;			/* who it goes on as */
	Oid			save_user;
	MemoryContext caller;		/* where results go */
	int			save_context;
	int			save_nestlevel;
	bool		save_read_only;
	int64		access_tenant;	/* whose access was last asked for; -1: none's */
	int			access;
	bool		public_pools;	/* for that tenant: may it submit to public pools? */
	bool		high_priority;	/* may it give priority 3? */
	bool		framed;			/* is it the call of a PmFrame? */
	Oid			function;		/* which call it is; InvalidOid: none of SQL */
	Oid			save_function;
} PmCall;

extern void pm_begin(PmCall *call, FunctionCallInfo fcinfo);
extern void pm_end(PmCall *call);
/* The same frame for a background worker, which acts as itself: a superuser */
extern void pm_begin_background(PmCall *call);

/* The innermost call whose body is SQL; NULL: none */
extern PmCall *pm_body;

/* Is it that body, and no other function, that runs now? */
extern bool pm_in_body(void);

/* In whose name: the actor of that call, else the current role */
extern Oid	pm_actor(void);

/* Called when something changed that the next pass should see; may be NULL */
extern void (*pm_changed_hook) (void);
extern void pm_changed(void);

/* Is the running call one that only reads (not VOLATILE)? */
extern bool pm_call_is_read_only(void);

/* The call that runs; where it has a body, the call that people know, not what
 * the body calls */
extern Oid	pm_running_function(void);
/* 25006: the call cannot write; the same said by an error of a statement in it */
extern void pm_refuse_read_only(Oid function) pg_attribute_noreturn();
extern void pm_reword_read_only(ErrorData *error, Oid function);

/* Who may do what.  Levels grow. */
typedef enum PmAccess
{
	PM_ACCESS_NONE,
	PM_ACCESS_VIEWER,
	PM_ACCESS_MEMBER,
	PM_ACCESS_OWNER,
	PM_ACCESS_OPERATOR
} PmAccess;

extern PmAccess pm_access(PmCall *call, int64 tenant_id);
/* Finds a tenant by name, or by id where it is NULL, and the actor's access to
 * it; -1 if there is none that it may see */
extern int64 pm_visible_tenant(PmCall *call, const char *name, int64 id);
/* Rights that a membership may lack; 42501 unless the actor has them */
extern void pm_require_public_pools(PmCall *call, int64 tenant_id);
extern void pm_require_high_priority(PmCall *call, int64 tenant_id);
extern bool pm_may_see(PmCall *call, int64 tenant_id);
/* 42501 unless the actor has that level for the tenant */
extern void pm_require(PmCall *call, int64 tenant_id, PmAccess least);
extern void pm_require_operator(PmCall *call);
/* The tenants that the actor may see, ascending, palloc'd; -1: all */
extern int	pm_visible_tenants(PmCall *call, int64 **tenants);

/* Changes when the extension is dropped and made again */
extern Oid	pm_extension_identity(void);

/* The value of an enum of the extension, during a call */
extern Datum pm_enum_datum(const char *type, const char *label);

/* The extension's clock: that of reading calls, that of writing calls */
extern TimestampTz pm_reading_clock(void);
extern TimestampTz pm_writing_clock(void);

#endif							/* PM_SESSION_H */
