export const entry = (name: string, type: string, body: string, schema = 'sales'): string =>
  `--\n-- Name: ${name}; Type: ${type}; Schema: ${schema}; Owner: owner\n--\n\n${body}\n\n\n`
const data = (name: string, table: string, rows: string, schema = 'sales'): string =>
  `--\n-- Data for Name: ${name}; Type: TABLE DATA; Schema: ${schema}; Owner: owner\n--\n\nCOPY ${table} FROM stdin;\n${rows}\\.\n\n\n`

export const DUMP: string = [
  "SET client_encoding = 'UTF8';\nSELECT pg_catalog.set_config('search_path', '', false);\nDROP TABLE sales.customer;\n\n",
  entry('sales', 'SCHEMA', 'CREATE SCHEMA sales;', '-'),
  entry(
    'touch()',
    'FUNCTION',
    'CREATE FUNCTION sales.touch() RETURNS trigger LANGUAGE plpgsql AS $$\n-- Name: x; Type: TABLE; Schema: sales; Owner: o\nBEGIN DROP TABLE sales.customer; END$$;',
  ),
  "SET default_tablespace = '';\n\n",
  entry(
    'customer',
    'TABLE',
    'CREATE TABLE sales.customer (\n    id integer NOT NULL\n);\n\n\nALTER TABLE sales.customer OWNER TO owner;',
  ),
  entry(
    'TABLE customer',
    'COMMENT',
    "COMMENT ON TABLE sales.customer IS 'a\n-- Name: other; Type: TABLE; Schema: sales; Owner: o\nDROP TABLE sales.customer;';",
  ),
  entry('customer_id_seq', 'SEQUENCE', 'CREATE SEQUENCE sales.customer_id_seq\n    START WITH 1;'),
  entry(
    'customer_id_seq',
    'SEQUENCE OWNED BY',
    'ALTER SEQUENCE sales.customer_id_seq OWNED BY sales.customer.id;',
  ),
  'SET default_tablespace = elsewhere;\n\n',
  entry('other', 'TABLE', 'CREATE TABLE sales.other (\n    a integer\n);'),
  "SET default_tablespace = '';\n\n",
  entry('part', 'TABLE', 'CREATE TABLE sales.part (\n    id integer NOT NULL\n);'),
  entry('whole', 'TABLE', 'CREATE TABLE sales.whole (\n    id integer NOT NULL\n)\nPARTITION BY LIST (id);'),
  entry(
    'x; Type: TABLE; Schema: public',
    'TABLE',
    'CREATE TABLE sales."x; Type: TABLE; Schema: public" (\n    a integer\n);',
  ),
  entry(
    'part',
    'TABLE ATTACH',
    'ALTER TABLE ONLY sales.whole ATTACH PARTITION sales.part FOR VALUES IN (1);',
  ),
  entry(
    'customer id',
    'DEFAULT',
    "ALTER TABLE ONLY sales.customer ALTER COLUMN id SET DEFAULT nextval('sales.customer_id_seq'::regclass);",
  ),
  data('customer', 'sales.customer (id)', '1\n-- Name: other; Type: TABLE DATA; Schema: sales; Owner: o\n'),
  data('other', 'sales.other (a)', '2\n'),
  data('part', 'sales.part (id)', '1\n'),
  data('x; Type: TABLE; Schema: public', 'sales."x; Type: TABLE; Schema: public" (a)', '9\n'),
  `--\n-- Name: customer_id_seq; Type: SEQUENCE SET; Schema: sales; Owner: owner\n--\n\nSELECT pg_catalog.setval('sales.customer_id_seq', 7, true);\n\n\n`,
  entry(
    'customer customer_pkey',
    'CONSTRAINT',
    'ALTER TABLE ONLY sales.customer\n    ADD CONSTRAINT customer_pkey PRIMARY KEY (id);',
  ),
  entry('part_id', 'INDEX', 'CREATE INDEX part_id ON sales.part USING btree (id);'),
  entry('whole_id', 'INDEX', 'CREATE INDEX whole_id ON ONLY sales.whole USING btree (id);'),
  entry('part_id', 'INDEX ATTACH', 'ALTER INDEX sales.whole_id ATTACH PARTITION sales.part_id;'),
  entry(
    'other other_fk',
    'FK CONSTRAINT',
    'ALTER TABLE ONLY sales.other\n    ADD CONSTRAINT other_fk FOREIGN KEY (a) REFERENCES sales.customer(id);',
  ),
  entry(
    'TABLE customer',
    'ACL',
    'SET SESSION AUTHORIZATION giver;\nGRANT SELECT ON TABLE sales.customer TO reader;\nRESET SESSION AUTHORIZATION;',
  ),
  entry(
    'TABLE other',
    'ACL',
    'SET SESSION AUTHORIZATION nobody;\nGRANT SELECT ON TABLE sales.other TO reader;\nRESET SESSION AUTHORIZATION;',
  ),
  '--\n-- PostgreSQL database dump complete\n--\n',
].join('')

/** The parts in the order of the dump; each with its lines. */
