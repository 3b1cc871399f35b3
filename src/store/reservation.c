/*-------------------------------------------------------------------------
 *
 * reservation.c
 *	  Times in which nodes do not take everybody's jobs: maintenance and
 *	  reservations, as a pass reads them; reservations by name and by id.
 *
 * Not here: how they are made (48_fault.sql, 48_reservation.sql).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "store/explain.h"
#include "store/numbers.h"
#include "store/pass.h"
#include "store/statement.h"
#include "store/submit.h"

/* The engine's number of a reservation, which is a new one at first sight */
int
pm_owner_number(PmPassData *data, int64 reservation_id, TimestampTz since, TimestampTz until)
{
	PmCluster  *cluster = &data->cluster;
	PmOwner    *owners;
	bool		is_new;
	int			number = pm_number_id(data->reservations, reservation_id, &is_new);

	if (!is_new)
		return number + 1;
	owners = pm_room_for(unconstify(PmOwner *, cluster->owners), &data->max_owners, number, sizeof(PmOwner));
	data->reservation_ids = pm_room_for(data->reservation_ids, &data->max_reservation_ids, number, sizeof(int64));
	owners[number].since = since;
	owners[number].until = until;
	data->reservation_ids[number] = reservation_id;
	cluster->owners = owners;
	cluster->nowners = number + 1;
	return number + 1;
}

/*
 * In order of nodes.  Nobody knows how long maintenance will take: it is over
 * when the node is back.  What had ended by the pool's last instant is left out.
 */
void
pm_read_windows(PmPassData *data)
{
	static PmStatement windows = PM_STATEMENT("int8",
											  "SELECT node_id, not_before, NULL::timestamptz, NULL::int8 FROM pool_manager.maintenance"
											  " WHERE pool_id = $1 AND state = 'scheduled'"
											  " UNION ALL SELECT r.node_id, r.starts_at, r.ends_at, r.reservation_id FROM pool_manager.reservation_node r"
											  " WHERE r.pool_id = $1 AND r.ends_at > (SELECT last_instant FROM pool_manager.pool_clock WHERE pool_id = $1)"
											  " ORDER BY 1, 2, 4");
	PmArgs		args = {0};

	pm_arg_int64(&args, data->pool->pool_id);
	data->nwindows = (int) pm_run(&windows, &args);
	data->windows = palloc0(sizeof(PmStoredWindow) * Max(data->nwindows, 1));
	data->reservations = pm_id_numbers("reservations of a pass");
	for (int row = 0; row < data->nwindows; row++)
	{
		PmStoredWindow *window = &data->windows[row];
		bool		isnull;

		window->node_id = pm_get_int64(row, 1);
		window->since = pm_get_time(row, 2);
		(void) pm_get(row, 4, &isnull);
		window->until = isnull ? PM_NEVER : pm_get_time(row, 3);
		if (!isnull)
			window->owner = pm_owner_number(data, pm_get_int64(row, 4), window->since, window->until);
	}
}

/* The first of a node's windows, and how many they are */
const PmStoredWindow *
pm_windows_of_node(const PmPassData *data, int64 node_id, int *n)
{
	int			low = 0;
	int			high = data->nwindows;

	while (low < high)
	{
		int			middle = low + (high - low) / 2;

		if (data->windows[middle].node_id < node_id)
			low = middle + 1;
		else
			high = middle;
	}
	for (*n = 0; low + *n < data->nwindows && data->windows[low + *n].node_id == node_id;)
		(*n)++;
	return &data->windows[low];
}

/* Those on the nodes that were read */
void
pm_place_windows(PmPassData *data)
{
	PmCluster  *cluster = &data->cluster;
	PmWindow   *list = palloc(sizeof(PmWindow) * Max(data->nwindows, 1));

	for (int w = 0; w < data->nwindows; w++)
	{
		const PmStoredWindow *window = &data->windows[w];
		int			node = pm_node_index(cluster, window->node_id);

		if (node < 0)
			continue;
		list[cluster->nwindows].node = node;
		list[cluster->nwindows].since = window->since;
		list[cluster->nwindows].until = window->until;
		list[cluster->nwindows++].owner = window->owner;
	}
	cluster->windows = list;
}

char *
pm_reservation_name(const PmJobInfo *job, int64 reservation_id)
{
	static PmStatement find = PM_STATEMENT("int8;int8;int8",
										   "SELECT name FROM pool_manager.reservation"
										   " WHERE pool_id = $1 AND reservation_id = $2 AND tenant_id = $3");
	PmArgs		args = {0};

	pm_arg_int64(&args, job->pool_id);
	pm_arg_int64(&args, reservation_id);
	pm_arg_int64(&args, job->tenant_id);
	return pm_run(&find, &args) == 0 ? NULL : pm_get_text(0, 1);
}

/* The tenant's reservation of that name that was not deleted; false: none */
bool
pm_find_reservation(const PmSubmission *submission, const char *name, PmReservationInfo *found)
{
	static PmStatement find = PM_STATEMENT("int8;int8;text",
										   "SELECT reservation_id, coalesce(sub_pool_id, 0), starts_at, ends_at FROM pool_manager.reservation"
										   " WHERE pool_id = $1 AND tenant_id = $2 AND name = $3 AND deleted_at IS NULL");
	PmArgs		args = {0};

	pm_arg_int64(&args, submission->pool->pool_id);
	pm_arg_int64(&args, submission->tenant_id);
	pm_arg_text(&args, name);
	if (pm_run(&find, &args) == 0)
		return false;
	found->reservation_id = pm_get_int64(0, 1);
	found->sub_pool_id = pm_get_int64(0, 2);
	found->starts_at = pm_get_time(0, 3);
	found->ends_at = pm_get_time(0, 4);
	return true;
}
