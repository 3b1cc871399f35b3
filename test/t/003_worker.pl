
# The background worker: runs passes when something is committed or the nap is
# over, notifies, survives being killed; without it all works by hand.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('worker');
$node->init;
$node->append_conf('postgresql.conf', slurp_file($ENV{PM_TEST_CONF}))
  if $ENV{PM_TEST_CONF};
$node->append_conf('postgresql.conf', "search_path = 'pool_manager, public'");
$node->start;

$node->safe_psql('postgres', q{
	CREATE EXTENSION pool_manager CASCADE;
	SELECT create_tenant('acme', 'USD', 'UTC');
	SELECT create_sku('core', 'core');
	SELECT create_flavor('node', 'cpu=4');
	SELECT set_resource_sku('node', 'cpu=1', 'core');
	SELECT create_pool('public', 'public');
	SELECT add_nodes('public', 'node', 1);
});

# without the library preloaded
is($node->safe_psql('postgres', 'SELECT count(*) FROM stat_scheduler'),
	'0', 'no statistics where the library is not preloaded');
$node->safe_psql('postgres',
	q{SELECT submit_job('public', 'by hand', request => 'cpu=4', tenant => 'acme')});
is($node->safe_psql('postgres', q{SELECT state FROM schedule('public')}),
	'running', 'a pass by hand');

$node->append_conf('postgresql.conf', qq{
shared_preload_libraries = 'pool_manager'
pool_manager.database = 'postgres'
pool_manager.naptime = '1h'
pool_manager.settle_interval = 0
});
$node->restart;

sub running
{
	my ($job, $what) = @_;
	ok($node->poll_query_until('postgres',
			"SELECT state = 'running' FROM job_status WHERE job = '$job'"), $what);
}

# the nap is an hour: only the commit can have woken the worker
$node->safe_psql('postgres',
	q{SELECT submit_job('public', 'second', request => 'cpu=4', tenant => 'acme')});
ok($node->poll_query_until('postgres', q{SELECT reason = 'resources' FROM queue WHERE job = 'second'}),
	'a submission wakes the worker');
$node->safe_psql('postgres',
	q{SELECT finish_job(job_id) FROM job_status WHERE job = 'by hand'});
running('second', 'so does the end of a job');

# a transaction that is rolled back does not
my $before = $node->safe_psql('postgres', 'SELECT passes FROM stat_scheduler');
$node->safe_psql('postgres', q{
	BEGIN;
	SELECT submit_job('public', 'never', request => 'cpu=1', tenant => 'acme');
	ROLLBACK;
});
is($node->safe_psql('postgres', 'SELECT passes FROM stat_scheduler'),
	$before, 'a rollback does not');

# nor does a pass by hand count there: what is asked and rolled back leaves no
# trace in shared memory either
my $counted = $node->safe_psql('postgres', 'SELECT s FROM stat_scheduler s');
is($node->safe_psql('postgres', q{
	BEGIN;
	SELECT state FROM cancel_job((SELECT job_id FROM job_status WHERE job = 'second')) state;
	SELECT submit_job('public', 'what if', request => 'cpu=4', tenant => 'acme') > 0;
	SELECT j.name FROM schedule('public') s JOIN job j USING (job_id);
	ROLLBACK;
	SELECT count(*) FROM job WHERE name = 'what if';
}), "cancelled\nt\nwhat if\n0", 'what if');
is($node->safe_psql('postgres', 'SELECT s FROM stat_scheduler s'),
	$counted, 'leaves no trace in the statistics');

# one notification a pass that changed something
my $listener = $node->background_psql('postgres', on_error_stop => 0);
$listener->query_safe('LISTEN pool_manager');
$node->safe_psql('postgres', q{
	SELECT finish_job(job_id) FROM job_status WHERE job = 'second';
	SELECT submit_job('public', 'third', request => 'cpu=4', tenant => 'acme');
});
running('third', 'the next job runs');
like($listener->query('SELECT 1'),
	qr/Asynchronous notification "pool_manager" with payload "public"/,
	'listeners are told which pool');
$listener->quit;

# a pass that passes over a job that is being changed looks again, though the
# change is rolled back and the nap is an hour
my $changer = $node->background_psql('postgres');
$node->safe_psql('postgres', q{
	SELECT submit_job('public', 'kept', request => 'cpu=4', tenant => 'acme');
});
ok($node->poll_query_until('postgres', q{SELECT reason = 'resources' FROM queue WHERE job = 'kept'}),
	'a job waits');
$changer->query_safe(q{BEGIN; SELECT hold_job(job_id) FROM job_status WHERE job = 'kept'});
my $passes = $node->safe_psql('postgres', 'SELECT passes FROM stat_scheduler');
$node->safe_psql('postgres', q{SELECT finish_job(job_id) FROM job_status WHERE job = 'third'});
ok($node->poll_query_until('postgres', "SELECT passes > $passes FROM stat_scheduler"),
	'a pass while a job is being held');
is($node->safe_psql('postgres', q{SELECT state FROM job_status WHERE job = 'kept'}),
	'queued', 'passes it over');
$changer->query_safe('ROLLBACK');
$changer->quit;
running('kept', 'and starts it when it is not held after all');

# killed, it comes back, whatever the database's settings are by now
$node->safe_psql('postgres', q{
	ALTER DATABASE postgres SET default_transaction_read_only = on;
	ALTER DATABASE postgres SET default_transaction_isolation = 'serializable';
});
my $pid = $node->safe_psql('postgres',
	q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'pool_manager scheduler'});
$node->safe_psql('postgres', "SELECT pg_terminate_backend($pid)");
ok($node->poll_query_until('postgres',
		"SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type = 'pool_manager scheduler' AND pid <> $pid"),
	'a terminated worker is started again');
$node->safe_psql('postgres', q{
	SET default_transaction_read_only = off;
	ALTER DATABASE postgres RESET ALL;
	SELECT finish_job(job_id) FROM job_status WHERE job = 'kept';
	SELECT submit_job('public', 'fourth', request => 'cpu=4', tenant => 'acme');
});
running('fourth', 'and works');

# a cancelled head of a queue makes way for those behind it
$node->safe_psql('postgres', q{
	SELECT finish_job(job_id) FROM job_status WHERE job = 'fourth';
	SELECT submit_job('public', 'half', request => 'cpu=2', tenant => 'acme');
	SELECT submit_job('public', 'head', request => 'cpu=4', tenant => 'acme');
	SELECT submit_job('public', 'behind', request => 'cpu=2', tenant => 'acme');
});
running('half', 'one half of the node is taken');
ok($node->poll_query_until('postgres', q{SELECT reason = 'behind_head' FROM queue WHERE job = 'behind'}),
	'the other is kept from a job behind the head');
$node->safe_psql('postgres', q{SELECT cancel_job(job_id) FROM job_status WHERE job = 'head'});
running('behind', 'until the head is cancelled');

# time limits are kept without anybody's commit
$node->append_conf('postgresql.conf', q{pool_manager.naptime = '100ms'});
$node->reload;
$node->safe_psql('postgres', q{
	SELECT finish_job(job_id) FROM job_status WHERE job IN ('half', 'behind');
	SELECT submit_job('public', 'short', request => 'cpu=4', tenant => 'acme', time_limit => '1 second');
});
ok($node->poll_query_until('postgres',
		q{SELECT state = 'timed_out' FROM job_status WHERE job = 'short'}),
	'a run over its time limit is ended');

# a transaction that keeps one pool's lock does not hold up the others
$node->safe_psql('postgres', q{
	SELECT create_pool('other', 'public');
	SELECT add_nodes('other', 'node', 1);
	SELECT submit_job('public', 'held', request => 'cpu=4', tenant => 'acme');
});
running('held', 'a job runs in the one pool');
my $keeper = $node->background_psql('postgres');
$keeper->query_safe(q{BEGIN; SELECT cancel_job(job_id) FROM job_status WHERE job = 'held'});
$node->safe_psql('postgres', q{
	SELECT submit_job('public', 'after it', request => 'cpu=4', tenant => 'acme');
	SELECT submit_job('other', 'beside', request => 'cpu=4', tenant => 'acme');
});
running('beside', 'the other pool goes on');
$keeper->query_safe('COMMIT');
$keeper->quit;
running('after it', 'and the one does when the lock is given back');

# what is committed while a pass waits for a lock is not slept over; the timers
# of locks, which would end the nap, are out of the way
$node->append_conf('postgresql.conf', q{
pool_manager.naptime = '1h'
lock_timeout = '1h'
deadlock_timeout = '30min'
});
$node->restart;
$node->safe_psql('postgres', q{
	SELECT finish_job(job_id) FROM job_status WHERE job IN ('after it', 'beside');
	SELECT submit_job('public', 'full', request => 'cpu=4', tenant => 'acme');
});
running('full', 'a job runs');
$keeper = $node->background_psql('postgres');
$keeper->query_safe(q{BEGIN; SELECT cancel_job(job_id) FROM job_status WHERE job = 'full'});
$node->safe_psql('postgres', q{SELECT submit_job('public', 'waits', request => 'cpu=4', tenant => 'acme')});
ok($node->poll_query_until('postgres',
		q{SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE backend_type = 'pool_manager scheduler'}),
	'a pass waits for the lock of one pool');
$node->safe_psql('postgres', q{SELECT submit_job('other', 'meanwhile', request => 'cpu=4', tenant => 'acme')});
$keeper->query_safe('ROLLBACK');
$keeper->quit;
running('meanwhile', 'a job in another pool starts when it is over');

# dropping the extension does not trouble it
my $failed = $node->safe_psql('postgres', 'SELECT failed FROM stat_scheduler');
$node->safe_psql('postgres', 'DROP EXTENSION pool_manager');
$node->safe_psql('postgres', 'CREATE EXTENSION pool_manager');
is($node->safe_psql('postgres', 'SELECT failed FROM stat_scheduler'), $failed, 'no other pass failed');

$node->stop;
done_testing();
