# Garbage through the binary input function of tariff: a message is a version
# byte and the text of a tariff.  What is no such message is an error, of the
# text one of tariff_in; mutated files either load or fail; the server never
# crashes, and what loads is canonical.

use strict;
use warnings;

use BinaryCopy;
use PostgreSQL::Test::Utils;
use Test::More;

my $mutants = 300;
my $copy = BinaryCopy->new('tariff');
my $node = $copy->node;

# What comes of a file of one value
sub load
{
	my ($message) = @_;
	return $copy->load(BinaryCopy::file($message));
}

# Text behind the version
sub message
{
	my ($text, $version) = @_;
	return pack('C', $version // 1) . $text;
}

my @texts = (
	'0.66', '12345.0078125', '1', '99999999', '0.000000000001', '31415926535.89793',
	'{"model":"unit","unit_price":"2","flat":"5"}',
	'{"model":"graduated","tiers":[{"up_to":"5","unit_price":"0","flat":"100"},{"up_to":null,"unit_price":"5"}],"maximum":"170"}',
	'{"model":"volume","tiers":[{"up_to":"5","unit_price":"7"},{"up_to":null,"unit_price":"6"}],"minimum":"1"}',
	'{"model":"package","convert":{"op":"divide","factor":"1024","rounding":"none"},"free_units":"3","package_size":"10","package_price":"15"}'
);
my @messages = map { message($_) } @texts;

is($copy->load(BinaryCopy::file(@messages)), join("\n", @texts), 'the documented form loads');
is(load(message(' { "unit_price" : 2.50, "model" : "unit", "free_units" : 0 }')), '2.5', 'whatever its text looks like');
is( $node->safe_psql(
		'postgres',
		join(' UNION ALL ',
			map { "SELECT encode(pool_manager.tariff_send('$_'), 'hex')" } @texts)),
	join("\n", map { unpack('H*', $_) } @messages),
	'it is what is sent');

my $text = 'invalid input syntax for type tariff: ';
my %wrong = (
	'no byte' => [ '', '08P01: insufficient data left in message' ],
	'version only' => [ message(''), "22P02: $text\"\"" ],
	'version 0' => [ message('1', 0), '22P03: unsupported tariff version number 0' ],
	'version 2' => [ message('1', 2), '22P03: unsupported tariff version number 2' ],
	'version 255' => [ message('1', 255), '22P03: unsupported tariff version number 255' ],
	'text without a version' => [ '0.66', '22P03: unsupported tariff version number 48' ],
	'a zero byte' => [ message("1\0"), '22021: invalid byte sequence for encoding "UTF8": 0x00' ],
	'a zero byte before the text' => [ message("\0001"), '22021: invalid byte sequence for encoding "UTF8": 0x00' ],
	'not UTF-8' => [ message("1\xff"), '22021: invalid byte sequence for encoding "UTF8": 0xff' ],
	'cut off' => [ substr($messages[-1], 0, -1), '22P02: ' . $text . '"' . substr($texts[-1], 0, -1) . '"' ],
	'two of them' => [ message('1 2'), "22P02: $text\"1 2\"" ],
	'a number twice' => [ message('1') x 2, "22P02: $text\"1\x011\"" ],
	'below 0' => [ message('-1'), '22023: invalid tariff: "-1"' ],
	'too precise' => [ message('1e-25'), '22003: invalid tariff: "1e-25"' ],
	'a key twice' => [
		message('{"model":"unit","model":"unit"}'),
		"22P02: $text\"{\"model\":\"unit\",\"model\":\"unit\"}\""
	],
	'no end of brackets' => [ message('{' x 100000), "22P02: $text\"" . '{' x 100000 . '"' ]);
foreach my $what (sort keys %wrong)
{
	my ($message, $said) = @{ $wrong{$what} };
	is(load($message), $said, $what);
}
my $tiers = join(',', map { "{\"up_to\":$_,\"unit_price\":1}" } 1 .. 1000);
like(
	load(message("{\"model\":\"volume\",\"tiers\":[$tiers,{\"unit_price\":1}]}")),
	qr/\A54000: invalid tariff: /,
	'too many tiers');

my ($loaded, $refused, $bad) = $copy->load_mutants($mutants, @messages);
is_deeply($bad, [], "$mutants mutants load or are refused");
cmp_ok($loaded, '>', 5, "some load ($loaded)");
cmp_ok($refused, '>', 100, "most are refused ($refused)");
is($node->safe_psql('postgres', 'SELECT 1'), '1', 'the server is up');
unlike(slurp_file($node->logfile), qr/terminated by signal|TRAP:|PANIC/, 'nothing crashed');

$node->stop;
done_testing();
