-- States, kinds and modes: closed lists, in the words of doc/concepts.md.

CREATE DOMAIN object_name AS text
    CONSTRAINT object_name_form CHECK (
        VALUE = btrim(VALUE) AND length(VALUE) BETWEEN 1 AND 128 AND VALUE !~ '[[:cntrl:]]');
COMMENT ON DOMAIN object_name IS
'name of a thing: 1 to 128 characters, no control characters, no blank at either end';

CREATE TYPE pool_kind AS ENUM ('public', 'dedicated');
COMMENT ON TYPE pool_kind IS
'public: run by the provider, shared by tenants, isolated job by job; dedicated: exclusive to one tenant';

CREATE TYPE pool_state AS ENUM (
    'waiting', 'creating', 'running', 'abnormal', 'deleting', 'error', 'creation_failed', 'scaling_failed');
COMMENT ON TYPE pool_state IS 'state of a resource pool; only a running pool takes jobs';

CREATE TYPE node_state AS ENUM ('creating', 'checking', 'available', 'abnormal', 'deleting');
COMMENT ON TYPE node_state IS 'state of a node; only an available node takes replicas';

CREATE TYPE network_state AS ENUM ('creating', 'active', 'abnormal');
COMMENT ON TYPE network_state IS 'state of a network';

CREATE TYPE job_type_state AS ENUM ('enabling', 'enabled', 'enable_failed', 'disabling', 'disabled');
COMMENT ON TYPE job_type_state IS 'state of a job type on a pool; only an enabled type is accepted';

CREATE TYPE job_kind AS ENUM ('training', 'inference', 'notebook', 'workflow');
COMMENT ON TYPE job_kind IS 'what a job is for; a pool accepts the kinds it has enabled';

CREATE TYPE job_state AS ENUM (
    'held', 'waiting', 'queued', 'starting', 'running', 'stopping', 'stopped',
    'completed', 'failed', 'cancelled', 'timed_out');
COMMENT ON TYPE job_state IS
'state of a job; completed, failed, cancelled and timed_out are final';

CREATE TYPE queue_policy AS ENUM ('fifo', 'traversal', 'reserve');
COMMENT ON TYPE queue_policy IS
'what a job that does not fit does to those behind it: fifo: blocks its queue; traversal: is passed over; reserve: what is free for it is withheld from later jobs of the pass';

CREATE TYPE placement_policy AS ENUM ('pack', 'first_fit');
COMMENT ON TYPE placement_policy IS
'which node a replica goes to: pack: where it leaves least free; first_fit: the node created first';

CREATE TYPE launch_mode AS ENUM ('immediate', 'agent');
COMMENT ON TYPE launch_mode IS
'immediate: a placed job runs at once; agent: it is starting until start_job and stopping until finish_job';

CREATE TYPE member_level AS ENUM ('viewer', 'member', 'owner');
COMMENT ON TYPE member_level IS
'what a role may do for a tenant: viewer: read; member: also submit and end jobs; owner: also create pools and networks';

CREATE TYPE cpu_architecture AS ENUM ('x86', 'arm64');
COMMENT ON TYPE cpu_architecture IS 'processor architecture of a flavor';

CREATE TYPE sku_per AS ENUM ('hour', 'once');
COMMENT ON TYPE sku_per IS 'what a price of a SKU is for: one unit held for an hour, or one unit';

CREATE TYPE rounding_rule AS ENUM ('cut', 'half_up', 'half_even');
COMMENT ON TYPE rounding_rule IS
'how a bill is rounded to the minor unit of its currency: towards zero, half away from zero, half to even';
