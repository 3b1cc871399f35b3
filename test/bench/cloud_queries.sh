# What is asked of a cloud, as NAME|TITLE|QUERY; sourced by run.sh.

cloud_queries()
{
    cat <<- 'END'
	list|pools, with nodes by state, jobs and what is busy|SELECT * FROM pool_status
	pool|the same of one pool|SELECT * FROM pool_status WHERE pool = 'pool-7'
	nodes|nodes of one pool, with what is on them|SELECT * FROM node_status WHERE pool = 'pool-7'
	usage|utilisation of one pool, a day by the hour|SELECT * FROM pool_usage('pool-7', '2026-05-31 00:00+00', '2026-06-01 00:00+00')
	usage_old|the same, nine days ago|SELECT * FROM pool_usage('pool-7', '2026-05-22 00:00+00', '2026-05-23 00:00+00')
	jobs|jobs of one pool that have not ended|SELECT * FROM pool_jobs WHERE pool = 'pool-7'
	queue|queue of one pool|SELECT * FROM queue WHERE pool = 'pool-7'
	history|jobs of one pool that ended within a day|SELECT * FROM job_history WHERE pool = 'pool-7' AND ended_at >= '2026-05-31 00:00+00'
	workload|jobs of one pool by kind and state|SELECT * FROM workload_statistics('pool-7')
	END
}
