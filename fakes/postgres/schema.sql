-- What a database has that is not the real thing: time, chance and names come
-- from the run. "wtsim.at" has, with a bar between: when the transaction began, the
-- time of the statement, what it draws from, the number of the connection, the
-- name of the database as its client knows it.
CREATE SCHEMA wtsim;
CREATE FUNCTION wtsim.at(int) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
  AS $$ SELECT pg_catalog.split_part(pg_catalog.current_setting('wtsim.at'), '|', $1) $$;

CREATE FUNCTION wtsim.now() RETURNS timestamptz LANGUAGE sql STABLE AS $$ SELECT wtsim.at(1)::timestamptz $$;
CREATE FUNCTION wtsim.transaction_timestamp() RETURNS timestamptz LANGUAGE sql STABLE AS $$ SELECT wtsim.at(1)::timestamptz $$;
CREATE FUNCTION wtsim.statement_timestamp() RETURNS timestamptz LANGUAGE sql STABLE AS $$ SELECT wtsim.at(2)::timestamptz $$;
CREATE FUNCTION wtsim.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE AS $$ SELECT wtsim.at(2)::timestamptz $$;
CREATE FUNCTION wtsim.timeofday() RETURNS text LANGUAGE sql VOLATILE
  AS $$ SELECT pg_catalog.to_char(wtsim.at(2)::timestamptz, 'Dy Mon DD HH24:MI:SS.US YYYY TZ') $$;
CREATE FUNCTION wtsim.now(int) RETURNS timestamptz LANGUAGE sql STABLE
  AS $$ SELECT pg_catalog.to_timestamp(pg_catalog.round(EXTRACT(epoch FROM wtsim.now()), $1)) $$;
CREATE FUNCTION wtsim.current_date() RETURNS date LANGUAGE sql STABLE AS $$ SELECT wtsim.now()::date $$;
CREATE FUNCTION wtsim.current_time() RETURNS timetz LANGUAGE sql STABLE AS $$ SELECT wtsim.now()::timetz $$;
CREATE FUNCTION wtsim.current_time(int) RETURNS timetz LANGUAGE sql STABLE AS $$ SELECT wtsim.now($1)::timetz $$;
CREATE FUNCTION wtsim.localtime() RETURNS time LANGUAGE sql STABLE AS $$ SELECT wtsim.now()::time $$;
CREATE FUNCTION wtsim.localtime(int) RETURNS time LANGUAGE sql STABLE AS $$ SELECT wtsim.now($1)::time $$;
CREATE FUNCTION wtsim.localtimestamp() RETURNS timestamp LANGUAGE sql STABLE AS $$ SELECT wtsim.now()::timestamp $$;
CREATE FUNCTION wtsim.localtimestamp(int) RETURNS timestamp LANGUAGE sql STABLE AS $$ SELECT wtsim.now($1)::timestamp $$;
CREATE FUNCTION wtsim.age(timestamptz) RETURNS interval LANGUAGE sql STABLE AS $$ SELECT pg_catalog.age(wtsim.now()::date::timestamptz, $1) $$;
CREATE FUNCTION wtsim.age(timestamp) RETURNS interval LANGUAGE sql STABLE AS $$ SELECT pg_catalog.age(wtsim.now()::date::timestamp, $1) $$;

-- draw returns 32 hexadecimal digits, others each time: of the statement, and of how
-- many were drawn before in it.
CREATE FUNCTION wtsim.draw() RETURNS text LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  seed text := wtsim.at(3);
  before text := pg_catalog.current_setting('wtsim.drawn', true);
  n int := 1;
BEGIN
  IF pg_catalog.split_part(before, '|', 1) = seed THEN
    n := pg_catalog.split_part(before, '|', 2)::int + 1;
  END IF;
  PERFORM pg_catalog.set_config('wtsim.drawn', seed || '|' || n, false);
  RETURN pg_catalog.md5(seed || '|' || n);
END $$;
CREATE FUNCTION wtsim.random() RETURNS double precision LANGUAGE sql VOLATILE
  AS $$ SELECT ('x' || pg_catalog.substr(wtsim.draw(), 1, 12))::bit(48)::bigint / 281474976710656.0::double precision $$;
CREATE FUNCTION wtsim.gen_random_uuid() RETURNS uuid LANGUAGE sql VOLATILE
  AS $$ SELECT pg_catalog.overlay(pg_catalog.overlay(wtsim.draw(), '4', 13, 1), 'a', 17, 1)::uuid $$;
CREATE FUNCTION wtsim.gen_random_bytes(int) RETURNS bytea LANGUAGE sql VOLATILE
  AS $$ SELECT pg_catalog.substr(pg_catalog.decode(pg_catalog.string_agg(wtsim.draw(), ''), 'hex'), 1, $1) FROM pg_catalog.generate_series(0, $1 / 16) $$;
CREATE FUNCTION wtsim.uuid_generate_v4() RETURNS uuid LANGUAGE sql VOLATILE AS $$ SELECT wtsim.gen_random_uuid() $$;

CREATE FUNCTION wtsim.pg_backend_pid() RETURNS int LANGUAGE sql STABLE AS $$ SELECT wtsim.at(4)::int $$;
CREATE FUNCTION wtsim.current_database() RETURNS name LANGUAGE sql STABLE AS $$ SELECT wtsim.at(5)::name $$;

-- What is not simulated says so, with a code of our own.
CREATE FUNCTION wtsim.lacks(text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'wtsim does not have %', $1 USING ERRCODE = 'WT001'; END $$;
CREATE FUNCTION wtsim.pg_sleep(double precision) RETURNS void LANGUAGE sql VOLATILE AS $$ SELECT wtsim.lacks('pg_sleep') $$;
CREATE FUNCTION wtsim.pg_sleep_for(interval) RETURNS void LANGUAGE sql VOLATILE AS $$ SELECT wtsim.lacks('pg_sleep_for') $$;
CREATE FUNCTION wtsim.pg_sleep_until(timestamptz) RETURNS void LANGUAGE sql VOLATILE AS $$ SELECT wtsim.lacks('pg_sleep_until') $$;
CREATE FUNCTION wtsim.pg_terminate_backend(int, bigint DEFAULT 0) RETURNS boolean LANGUAGE sql VOLATILE AS $$ SELECT wtsim.lacks('pg_terminate_backend'); SELECT false $$;
CREATE FUNCTION wtsim.pg_cancel_backend(int) RETURNS boolean LANGUAGE sql VOLATILE AS $$ SELECT wtsim.lacks('pg_cancel_backend'); SELECT false $$;
CREATE FUNCTION wtsim.current_timestamp() RETURNS timestamptz LANGUAGE sql STABLE AS $$ SELECT wtsim.now() $$;
CREATE FUNCTION wtsim.current_timestamp(int) RETURNS timestamptz LANGUAGE sql STABLE AS $$ SELECT wtsim.now($1) $$;
CREATE SCHEMA wtsim_extensions;

-- keep remembers in a schema what the tables hold, as the statements that make it so
-- again: from the first page on, in the same order.
CREATE FUNCTION wtsim.keep(place text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  t record; filled bool; columns text; k int := 0; names text := ''; statements text[] := ARRAY['SET session_replication_role = replica', ''];
BEGIN
  FOR t IN SELECT c.oid, n.nspname, c.relname, pg_catalog.format('%I.%I', n.nspname, c.relname) AS full
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE c.relkind = 'r' AND n.nspname NOT IN ('wtsim', 'pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\_t%' ORDER BY n.nspname, c.relname LOOP
    EXECUTE 'SELECT EXISTS (SELECT FROM ONLY ' || t.full || ')' INTO filled;
    names := names || pg_catalog.quote_literal(t.full) || ',';
    CONTINUE WHEN NOT filled;
    k := k + 1;
    EXECUTE pg_catalog.format('CREATE TABLE %I.kept_%s AS TABLE ONLY %s', place, k, t.full);
    SELECT pg_catalog.string_agg(pg_catalog.quote_ident(attname), ', ' ORDER BY attnum) INTO columns FROM pg_attribute
      WHERE attrelid = t.oid AND attnum > 0 AND NOT attisdropped AND attgenerated = '';
    statements := statements || pg_catalog.format('INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE SELECT %s FROM %I.kept_%s', t.full, columns, columns, place, k);
  END LOOP;
  statements[2] := pg_catalog.format('SELECT wtsim.empty(ARRAY[%s]::text[])', pg_catalog.rtrim(names, ','));
  EXECUTE pg_catalog.format('CREATE TABLE %I.kept AS SELECT * FROM pg_catalog.unnest($1) WITH ORDINALITY AS t (statement, n)', place)
    USING statements || 'RESET session_replication_role'::text;
END $$;
-- sequences are the statements that set sequences: to where they are, or to where a
-- standby has them, which has been told of 32 values ahead.
CREATE FUNCTION wtsim.sequences(ahead bool) RETURNS text LANGUAGE plpgsql AS $$
DECLARE t record; one text; all_of text := '';
BEGIN
  FOR t IN SELECT pg_catalog.format('%I.%I', n.nspname, c.relname) AS full, s.seqincrement AS step
      FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname <> 'wtsim' AND c.relpersistence <> 't' ORDER BY n.nspname, c.relname LOOP
    EXECUTE pg_catalog.format('SELECT pg_catalog.format(''SELECT pg_catalog.setval(%%L, %%s, %%L);'', %L, last_value + CASE WHEN %L THEN log_cnt * %s ELSE 0 END, is_called) FROM %s',
      t.full, ahead, t.step, t.full) INTO one;
    all_of := all_of || one;
  END LOOP;
  RETURN all_of;
END $$;
-- relations are the tables, and where each is kept: TRUNCATE, and what rewrites one, show
-- in an older state too.
CREATE FUNCTION wtsim.relations() RETURNS text LANGUAGE sql VOLATILE AS $$
  SELECT coalesce(pg_catalog.string_agg(c.oid || ' ' || c.relfilenode, ',' ORDER BY c.oid), '') FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'm', 'S') AND c.relpersistence <> 't' AND n.nspname NOT IN ('wtsim', 'pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\_t%' $$;
-- acts are the functions that may change something, by name.
CREATE FUNCTION wtsim.acts() RETURNS SETOF text LANGUAGE sql VOLATILE AS $$
  SELECT DISTINCT p.proname::text FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
  WHERE p.provolatile = 'v' AND n.nspname <> 'information_schema' AND NOT EXISTS (SELECT FROM pg_proc q WHERE q.pronamespace = 'wtsim'::regnamespace AND q.proname = p.proname) $$;
-- empty truncates those of some tables that have ever held something.
CREATE FUNCTION wtsim.empty(tables text[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE t text; all_of text := '';
BEGIN
  FOREACH t IN ARRAY tables LOOP
    IF pg_catalog.pg_relation_size(t::regclass) > 0 THEN all_of := all_of || t || ','; END IF;
  END LOOP;
  IF all_of <> '' THEN EXECUTE 'TRUNCATE ' || pg_catalog.rtrim(all_of, ',') || ' CASCADE'; END IF;
END $$;

-- contents are all rows, each with its key. A table that an open transaction has locked
-- against readers is left out.
CREATE FUNCTION wtsim.contents() RETURNS TABLE (key text, value text) LANGUAGE plpgsql AS $$
DECLARE t record;
BEGIN
  FOR t IN SELECT pg_catalog.format('%I.%I', n.nspname, c.relname) AS full, CASE WHEN n.nspname = 'public' THEN c.relname ELSE n.nspname || '.' || c.relname END AS name,
        (SELECT pg_catalog.string_agg(pg_catalog.format('t.%I::text', a.attname), ' || '','' || ' ORDER BY pg_catalog.array_position(i.indkey::int2[], a.attnum))
          FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey) WHERE i.indrelid = c.oid AND i.indisprimary) AS id
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE c.relkind = 'r' AND n.nspname NOT IN ('wtsim', 'pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\_t%' LOOP
    BEGIN
      RETURN QUERY EXECUTE pg_catalog.format('SELECT %L || ''/'' || %s, pg_catalog.row_to_json(t)::text FROM %s t', t.name,
        coalesce(t.id, 'pg_catalog.lpad((pg_catalog.row_number() OVER (ORDER BY pg_catalog.row_to_json(t)::text))::text, 6, ''0'')'), t.full);
    EXCEPTION WHEN lock_not_available THEN NULL;
    END;
  END LOOP;
END $$;

-- The information schema has the name of the database, too: as the client knows it, which
-- asks for what has current_database().
DO $wtsim$ DECLARE v record; BEGIN
  PERFORM pg_catalog.set_config('search_path', 'pg_catalog', true);
  FOR v IN SELECT c.oid::regclass AS name, pg_get_viewdef(c.oid) AS text FROM pg_class c
      WHERE c.relkind = 'v' AND c.relnamespace = 'information_schema'::regnamespace AND pg_get_viewdef(c.oid) LIKE '%current_database()%' LOOP
    EXECUTE format('CREATE OR REPLACE VIEW %s AS %s', v.name, replace(v.text, 'current_database()', 'wtsim.current_database()'));
  END LOOP;
END $wtsim$;
