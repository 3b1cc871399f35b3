# Values of a type as COPY BINARY files, broken ones too, for tests of binary
# input functions.

package BinaryCopy;

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;

# What COPY BINARY surrounds rows with
my $head = "PGCOPY\n\377\r\n\0" . pack('NN', 0, 0);
my $tail = pack('n', 0xffff);

# A server of its own, with the extension, for a type of it
sub new
{
	my ($class, $type) = @_;
	my $node = PostgreSQL::Test::Cluster->new($type);

	$node->init;
	$node->append_conf('postgresql.conf', slurp_file($ENV{PM_TEST_CONF}))
	  if $ENV{PM_TEST_CONF};
	$node->start;
	$node->safe_psql('postgres', 'CREATE EXTENSION pool_manager CASCADE');
	# the same pseudo-random sequence on every machine
	return bless({ type => $type, node => $node, state => 20260702 }, $class);
}

sub node
{
	my ($self) = @_;
	return $self->{node};
}

# Rows of one value each
sub file
{
	my (@messages) = @_;
	return $head . join('', map { pack('nN', 1, length($_)) . $_ } @messages) . $tail;
}

# Loads a file into an empty table: the values as text, or SQLSTATE and message.
# A value that its text does not give again is left out.
sub load
{
	my ($self, $content) = @_;
	my $path = $self->{node}->data_dir . '/mutant.copy';

	open(my $file, '>:raw', $path) or die "$path: $!";
	print $file $content;
	close($file);
	my ($rc, $out, $err) = $self->{node}->psql(
		'postgres', qq{
\\set VERBOSITY verbose
SET search_path TO pool_manager, public;
BEGIN;
CREATE TEMP TABLE t (r $self->{type}) ON COMMIT DROP;
COPY t FROM '$path' (FORMAT binary);
SELECT coalesce(r::text, 'NULL') FROM t WHERE r IS NULL OR r = r::text::$self->{type};
COMMIT;
});
	return $out if $rc == 0;
	return $err =~ /ERROR:  ([0-9A-Z]{5}): (.*)/ ? "$1: $2" : "no SQLSTATE: $err";
}

sub pseudo_random
{
	my ($self, $below) = @_;
	$self->{state} = ($self->{state} * 1103515245 + 12345) % 2147483648;
	return int($self->{state} / 65536) % $below;
}

# One to three changes of bytes from an offset on
sub mutate
{
	my ($self, $bytes, $from) = @_;
	foreach my $change (0 .. $self->pseudo_random(3))
	{
		my $left = length($bytes) - $from;
		last if $left < 1;
		my $at = $from + $self->pseudo_random($left);
		my $kind = $self->pseudo_random(5);

		if ($kind == 0)    # a byte of any value
		{
			substr($bytes, $at, 1) = chr($self->pseudo_random(256));
		}
		elsif ($kind == 1)    # one bit
		{
			substr($bytes, $at, 1) = chr(ord(substr($bytes, $at, 1)) ^ (1 << $self->pseudo_random(8)));
		}
		elsif ($kind == 2)    # a byte less
		{
			substr($bytes, $at, 1) = '';
		}
		elsif ($kind == 3)    # some bytes twice
		{
			substr($bytes, $at, 0) = substr($bytes, $at, 1 + $self->pseudo_random(12));
		}
		else                  # a letter for a byte: names that stay names
		{
			substr($bytes, $at, 1) = chr(97 + $self->pseudo_random(26));
		}
	}
	return $bytes;
}

# Loads so many mutants of these messages: half of them broken within a value,
# half anywhere behind the file's header.  How many loaded, how many were
# refused, and a list of those that came to another end.  08P01 is what the
# server itself says of a message that is too short.
sub load_mutants
{
	my ($self, $mutants, @messages) = @_;
	my $original = file(@messages);
	my %seen = (loaded => 0, refused => 0);
	my @bad;

	foreach my $i (1 .. $mutants)
	{
		my $mutant =
		  $i % 2
		  ? file($self->mutate($messages[ $self->pseudo_random(scalar(@messages)) ], 0))
		  : $self->mutate($original, length($head));
		my $result = $self->load($mutant);
		if ($result =~ /\A(?:22|54)[0-9A-Z]{3}: |\A08P01: /)
		{
			$seen{refused}++;
		}
		elsif ($result =~ /\Ano SQLSTATE|\A[0-9A-Z]{5}: /)
		{
			push @bad, "mutant $i: $result";
		}
		else
		{
			$seen{loaded}++;
		}
	}
	return ($seen{loaded}, $seen{refused}, \@bad);
}

1;
