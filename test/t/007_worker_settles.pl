
# The background worker that keeps the books: settles all tenants at each
# multiple of the interval and checks their arrears. The server's clock is the
# extension's own, which the test puts forward.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('worker_settles');
$node->init(allows_streaming => 1);
$node->append_conf('postgresql.conf', slurp_file($ENV{PM_TEST_CONF}))
  if $ENV{PM_TEST_CONF};
$node->append_conf('postgresql.conf', qq{
search_path = 'pool_manager, public'
timezone = 'UTC'
shared_preload_libraries = 'pool_manager'
pool_manager.database = 'postgres'
pool_manager.naptime = '1h'
pool_manager.clock = '2026-03-01 09:00:00+00'
});
$node->start;

my $worker = q{FROM pg_stat_activity WHERE backend_type = 'pool_manager ledger'};
my $settled = q{SELECT string_agg(concat_ws(' ', tenant, to_char(settled_until, 'HH24:MI')), ', ' ORDER BY tenant_id) FROM ledger_status};

sub at
{
	my ($time, $server) = @_;
	$server //= $node;
	$server->append_conf('postgresql.conf', "pool_manager.clock = '2026-03-01 $time+00'");
	$server->reload;
}

sub becomes
{
	my ($query, $expected, $what, $server) = @_;
	$server //= $node;
	$server->poll_query_until('postgres', $query, $expected);
	is($server->safe_psql('postgres', $query), $expected, $what);
}

sub logged
{
	my ($pattern) = @_;
	my $log = slurp_file($node->logfile);
	return scalar(() = $log =~ /$pattern/g);
}

# The worker is started anew, and has done what it does at once
sub restart_worker
{
	my $pid = $node->safe_psql('postgres', "SELECT pid $worker");
	$node->safe_psql('postgres', "SELECT pg_terminate_backend($pid)");
	ok($node->poll_query_until('postgres', "SELECT count(*) = 1 $worker AND pid <> $pid AND wait_event = 'Extension'"),
		'a terminated worker is started again');
}

# ---- without the extension, and with it ----

is($node->safe_psql('postgres', 'SHOW pool_manager.settle_interval'), '1h', 'each hour by default');
ok($node->poll_query_until('postgres', "SELECT wait_event = 'Extension' $worker"), 'there is nothing to do without the extension');

# acme holds two cores, beta and gamma one each; beta's currency has no price
$node->safe_psql('postgres', q{
	CREATE EXTENSION pool_manager CASCADE;
	SELECT create_tenant('acme', 'USD', 'UTC'), create_tenant('beta', 'EUR', 'UTC'), create_tenant('gamma', 'USD', 'UTC'),
		create_sku('core', 'core'), create_flavor('node', 'cpu=4'), set_resource_sku('node', 'cpu=1', 'core'),
		create_pool('pub', 'public'), set_price('core', '0.5', '2026-01-01', currency => 'USD');
	SELECT add_nodes('pub', 'node');
	SELECT submit_job('pub', 'run', request => 'cpu=2', tenant => 'acme'), submit_job('pub', 'run', request => 'cpu=1', tenant => 'beta'),
		submit_job('pub', 'run', request => 'cpu=1', tenant => 'gamma');
});
becomes(q{SELECT count(*) FROM job_status WHERE state = 'running'}, '3', 'the one worker starts jobs');

at('10:20');
becomes($settled, 'acme 10:00, beta, gamma 10:00',
	'the other settles up to the hour; who has no price does not keep the next from it');
is($node->safe_psql('postgres', q{SELECT name, units, trim_scale(amount) FROM counter JOIN tenant USING (tenant_id) ORDER BY 1}),
	"acme|7200000|1\ngamma|3600000|0.5", 'two cores and one, for an hour at 0.5');
at('11:20');
becomes($settled, 'acme 11:00, beta, gamma 11:00', 'and the next hour');
my $unpriced = qr/WARNING:  tenant "beta" is not settled: SKU "core" has no price in EUR at 2026-03-01 09:00:00\+00/;
is(logged($unpriced), 1, 'what is wrong is logged, once');
is(logged(qr/CONTEXT:/), 0, 'without lines of the inside');
is($node->safe_psql('postgres', q{SELECT settle_failed >= 2 AND settled >= 4 AND last_settle_at IS NOT NULL AND last_settle_us >= 0 FROM stat_scheduler}),
	't', 'and counted each time');
is($node->safe_psql('postgres', "SELECT query $worker"), 'settling tenant "gamma" (3 of 3)', 'what it does is seen');

$node->safe_psql('postgres', q{SELECT set_price('core', '0.4', '2026-01-01', currency => 'EUR')});
at('12:20');
becomes($settled, 'acme 12:00, beta 12:00, gamma 12:00', 'with a price it is settled from the beginning');
is($node->safe_psql('postgres', q{SELECT trim_scale(amount) FROM counter JOIN tenant USING (tenant_id) WHERE name = 'beta'}),
	'1.2', 'three hours at 0.4');
is(logged(qr/LOG: .* tenant "beta" is settled again/), 1, 'and that is logged');

# ---- arrears ----

# acme has used 3.00, and one more each hour
$node->safe_psql('postgres', q{
	SELECT set_credit_limit('acme', 3.5, '1 hour');
	SELECT submit_job('pub', 'next', request => 'cpu=2', tenant => 'gamma');
});
at('13:20');
becomes(q{SELECT state, to_char(state_since, 'HH24:MI') FROM tenant WHERE name = 'acme'}, 'grace|13:20',
	'who is beyond its limit comes into grace');
my $listener = $node->background_psql('postgres', on_error_stop => 0);
$listener->query_safe('LISTEN pool_manager');
at('14:20');
becomes(q{SELECT state, to_char(state_since, 'HH24:MI') FROM tenant WHERE name = 'acme'}, 'frozen|14:20',
	'and is frozen when that is over');
is($node->safe_psql('postgres', q{SELECT state FROM job_status WHERE tenant = 'acme'}), 'cancelled', 'its run ends');
becomes(q{SELECT state FROM job_status WHERE job = 'next'}, 'running', 'the scheduler is woken for the next job');
like($listener->query('SELECT 1'), qr/Asynchronous notification "pool_manager" with payload "pub"/, 'and tells listeners');
$listener->quit;
is($node->safe_psql('postgres', q{SELECT count(*) FROM event WHERE kind = 'tenant_state'}), '2', 'each change is an event');

# ---- locks, cancels ----

# gives back what gamma holds, and waits
my $giver = $node->background_psql('postgres');
$giver->query_safe(q{BEGIN; SELECT finish_job(job_id) FROM job_status WHERE job = 'next'});
at('15:20');
becomes($settled, 'acme 15:00, beta 15:00, gamma 14:00', 'who waits for a lock does not keep others from theirs');
ok($node->poll_query_until('postgres', 'SELECT settle_failed >= 3 FROM stat_scheduler'), 'and gives up');
$giver->query_safe('ROLLBACK');
becomes($settled, 'acme 15:00, beta 15:00, gamma 15:00', 'it is tried again soon');
is(logged(qr/tenant "gamma" is not settled: canceling statement due to lock timeout/), 1, 'logged once, however often it was tried');

$node->append_conf('postgresql.conf', q{lock_timeout = '1min'});
$node->reload;
restart_worker();
my $books = q{SELECT (SELECT count(*) FROM usage), (SELECT count(*) FROM unrated), (SELECT count(*) FROM charge), (SELECT sum(units) FROM counter)};
$giver->query_safe(q{BEGIN; SELECT finish_job(job_id) FROM job_status WHERE job = 'next'});
at('16:20');
becomes("SELECT query $worker AND wait_event_type = 'Lock'", 'settling tenant "gamma" (3 of 3)', 'a settlement waits');
my $before = $node->safe_psql('postgres', $books);
$node->safe_psql('postgres', "SELECT pg_cancel_backend(pid) $worker");
ok($node->poll_query_until('postgres', "SELECT wait_event = 'Extension' $worker"), 'and is cancelled');
is($node->safe_psql('postgres', $books), $before, 'nothing of it is left');
$giver->query_safe('ROLLBACK');
is($node->safe_psql('postgres', $settled), 'acme 16:00, beta 16:00, gamma 15:00', 'nor is it tried again at once');
$node->safe_psql('postgres', "SELECT pg_cancel_backend(pid) $worker");

$giver->query_safe(q{BEGIN; SELECT finish_job(job_id) FROM job_status WHERE job = 'next'});
at('17:20');
becomes("SELECT query $worker AND wait_event_type = 'Lock'", 'settling tenant "gamma" (3 of 3)',
	'a cancel of an idle worker does it no harm, and the next settlement waits');
$before = $node->safe_psql('postgres', $books);
$node->append_conf('postgresql.conf', 'pool_manager.settle_interval = 0');
$node->reload;
restart_worker();
is($node->safe_psql('postgres', $books), $before, 'nor is anything left of one that the end of the worker ends');
$giver->quit;

# ---- on and off ----

at('18:20');
$node->restart;
ok($node->poll_query_until('postgres', "SELECT wait_event = 'Extension' $worker"), 'after a restart');
is($node->safe_psql('postgres', $settled), 'acme 17:00, beta 17:00, gamma 15:00', 'with an interval of 0 nothing is settled');
$node->append_conf('postgresql.conf', q{pool_manager.settle_interval = '10min'});
$node->reload;
becomes($settled, 'acme 18:20, beta 18:20, gamma 18:20', 'with one of ten minutes all that is left');

# ---- a standby ----

$node->backup('backup');
my $standby = PostgreSQL::Test::Cluster->new('worker_settles_standby');
$standby->init_from_backup($node, 'backup', has_streaming => 1);
$standby->start;
at('19:05', $standby);
is($standby->safe_psql('postgres', q{SELECT count(*) FROM pg_stat_activity WHERE backend_type LIKE 'pool_manager%'}),
	'0', 'a standby has no workers');
$standby->promote;
becomes($settled, 'acme 19:00, beta 19:00, gamma 19:00', 'promoted, it keeps its books', $standby);
is($standby->safe_psql('postgres', 'SELECT * FROM reconcile()'), '', 'which agree');
$standby->stop;

is($node->safe_psql('postgres', 'SELECT * FROM reconcile()'), '', 'so do those of the first');

# ---- dropped and made again ----

my $failed = $node->safe_psql('postgres', 'SELECT settle_failed FROM stat_scheduler');
$node->safe_psql('postgres', 'DROP EXTENSION pool_manager');
at('20:05');
$node->safe_psql('postgres', q{CREATE EXTENSION pool_manager; SELECT create_tenant('delta', 'USD', 'UTC')});
at('21:05');
becomes($settled, 'delta 21:00', 'an extension that is made again is settled like the first');
is($node->safe_psql('postgres', 'SELECT settle_failed FROM stat_scheduler'), $failed, 'and nothing failed');

$node->stop;
done_testing();
