
# A dump with closed periods and issued bills loads, row by row too; what was
# closed stays closed, and the next bill is the same as in the original.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('closed_dump');
$node->init;
$node->append_conf('postgresql.conf', slurp_file($ENV{PM_TEST_CONF}))
  if $ENV{PM_TEST_CONF};
$node->append_conf('postgresql.conf', "search_path = 'pool_manager, public'\ntimezone = 'UTC'");
$node->start;

# Two months closed, with corrections, an adjustment and rounding; a third begun
$node->safe_psql('postgres', 'CREATE DATABASE original');
$node->safe_psql('original', q{
	CREATE EXTENSION pool_manager CASCADE;
	SET pool_manager.clock = '2026-02-27 09:00:00+00';
	INSERT INTO currency VALUES ('PTS', 1);
	SELECT create_tenant('acme', 'USD', 'Asia/Shanghai'), create_tenant('beta', 'PTS', 'UTC', rounding => 'cut');
	SELECT create_sku('core', 'core'), create_flavor('node', 'cpu=4'), set_resource_sku('node', 'cpu=1', 'core'),
		create_pool('pub', 'public');
	SELECT set_price('core', '{"model":"graduated","tiers":[{"up_to":"10","unit_price":"0.5"},{"up_to":null,"unit_price":"0.4"}]}',
		'2026-01-01', currency => c) FROM unnest('{USD,PTS}'::text[]) AS c;
	SELECT add_nodes('pub', 'node');
	SELECT submit_job('pub', t, request => 'cpu=2', tenant => t) FROM unnest('{acme,beta}'::text[]) AS t;
	SELECT count(*) FROM schedule();
	SET pool_manager.clock = '2026-03-01 00:00:01+00';
	SELECT issue_bill('acme', '2026-02-01'), issue_bill('beta', '2026-02-01');
	SELECT record_usage('acme', 'core', 3, '2026-02-28 09:00:00+00', '2026-02-28 09:00:07+00', 'meter', 'late');
	-- never rated: one before the bill of March, one that is dumped as it waits
	SELECT record_usage('beta', 'core', 1, '2025-02-10', '2025-02-11', source => 'meter', event_id => 'slip');
	SELECT correct_usage((SELECT usage_id FROM usage WHERE event_id = 'slip'), 'a slip', 0);
	SELECT adjust('acme', -0.125, 'credit', corrects => (SELECT min(charge_id) FROM charge));
	SET pool_manager.clock = '2026-04-01 00:00:01+00';
	SELECT issue_bill('acme', '2026-03-01', request_id => 'march'), issue_bill('beta', '2026-03-01');
	SELECT settle('acme');
	SELECT record_usage('acme', 'core', 1, '2025-02-10', '2025-02-11', source => 'meter', event_id => 'slip again');
	SELECT correct_usage((SELECT usage_id FROM usage WHERE event_id = 'slip again'), 'a slip', 0);
	-- a contract for another time, then one like the first: each by itself would seem to be broken when rows come one by one
	SELECT set_contract('beta', '2026-05-01', 'USD', 'Asia/Tokyo'), set_contract('beta', '2026-06-01', 'PTS', 'UTC', rounding => 'cut');
});
is($node->safe_psql('original', q{SELECT string_agg(DISTINCT kind::text, ' ' ORDER BY kind::text) FROM bill_line}),
	'adjustment correction rounding usage', 'there are lines of all kinds');

# History that has left is dumped with the rest, or apart
$node->safe_psql('original', q{
	CREATE SCHEMA history;
	CREATE TABLE history.charge (LIKE pool_manager.charge);
	CREATE TABLE history.usage (LIKE pool_manager.usage);
	CALL archive('2026-03-01', 'history', 1);
});
is($node->safe_psql('original', q{SELECT (SELECT count(*) > 0 FROM history.charge), (SELECT count(*) > 0 FROM history.usage),
	(SELECT count(*) FROM reconcile())}), 't|t|0', 'history has left');

sub content
{
	my ($db) = @_;
	my $query = join(' UNION ALL ', map { "SELECT '$_', x::text FROM $_ AS x" }
		  qw(currency contract ledger billing_period booking counter charge bill bill_line usage unrated event history.charge history.usage));
	return $node->safe_psql($db, "$query ORDER BY 1, 2");
}

# What happens next, and what is refused
sub go_on
{
	my ($db) = @_;
	my ($rc, $out, $err) = $node->psql('postgres', q{
		SET pool_manager.clock = '2026-05-01 00:00:01+00';
		SELECT issue_bill('acme', '2026-03-01');
		INSERT INTO booking SELECT (b).* FROM (SELECT b FROM booking b ORDER BY booking_id LIMIT 1) AS s;
		INSERT INTO booking (tenant_id, period_start, kind, currency, charges, units, amount, booked_at, booked_by)
			SELECT tenant_id, period_start, kind, currency, charges, units, amount, booked_at, booked_by FROM booking ORDER BY booking_id LIMIT 1;
		INSERT INTO charge (tenant_id, period_start, booking_id, kind, month_start, started_at, ended_at, currency, amount, description)
			SELECT tenant_id, period_start, booking_id, 'tax', period_start, period_start, period_start, currency, 1, 'tax'
			FROM booking ORDER BY booking_id LIMIT 1;
		INSERT INTO bill_line SELECT tenant_id, bill_id, lines + 1, 'rounding', period_start, NULL, NULL, NULL, NULL, 0, NULL, NULL, 1, NULL
			FROM bill ORDER BY bill_id LIMIT 1;
		SELECT issue_bill('acme', '2026-03-01', request_id => 'march');
		SELECT issue_bill('acme', '2026-04-01'), issue_bill('beta', '2026-04-01');
		SELECT bill_text(bill_id) FROM bill ORDER BY bill_id;
		SELECT * FROM bill_detail AS d ORDER BY d::text;
		CALL archive('2026-05-01', 'history');
		SELECT count(*) AS here, (SELECT count(*) FROM history.charge) AS archived FROM charge;
		SELECT * FROM reconcile();
	}, connstr => $node->connstr($db) . q{ options='-c search_path=pool_manager,public'}, on_error_stop => 0);
	$err =~ s/^psql:<stdin>:\d+: //mg;
	return "$out\n$err";
}

my $original = content('original');
my @restored;
foreach my $way ([ 'plain', 'plain' ], [ 'inserts', 'plain', '--inserts' ], [ 'custom', 'custom' ])
{
	my ($name, $format, @options) = @$way;
	my $file = $node->basedir . "/$name.dump";
	$node->command_ok([ 'pg_dump', '-F', $format, @options, '-f', $file, 'original' ], "pg_dump, $name");
	$node->safe_psql('postgres', "CREATE DATABASE $name");
	$node->command_ok(
		$format eq 'custom'
		? [ 'pg_restore', '--exit-on-error', '-d', $name, $file ]
		: [ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-d', $name, '-f', $file ],
		"it loads, $name");
	is(content($name), $original, "$name: every row is back");
	is($node->safe_psql($name, 'SELECT * FROM reconcile()'), '', "$name: the books agree");
	push @restored, $name;
}
my $next = go_on('original');
like($next, qr/2026-03 of tenant "acme" is closed/, 'a closed month is closed');
like($next, qr/violates unique constraint "booking_pkey"/, 'a booking that was there');
like($next, qr/the period of booking \d+ is closed/, 'a booking more');
like($next, qr/the period of charge \d+ is closed/, 'a charge more');
like($next, qr/bill 1 has no line/, 'a line more');
like($next, qr/Month     2026-04/, 'the next month is billed');
foreach my $name (@restored)
{
	is(go_on($name), $next, "$name: it goes on as the original does");
	is($node->safe_psql($name, 'SELECT * FROM reconcile()'), '', "$name: the books still agree");
}

$node->stop;
done_testing();
