import { expect, test } from "vitest";
import { missingTables } from "./dumped-tables.ts";

const METADATA = `--
-- Greenplum Database database dump
--
SET search_path = public, pg_catalog;
--
-- Name: t_ao; Type: TABLE; Schema: public; Owner: gpadmin; Tablespace:
--
CREATE TABLE t_ao (
    a integer
) DISTRIBUTED BY (a);
--
-- Name: t_view; Type: VIEW; Schema: public; Owner: gpadmin
--
--
-- Name: Strange; name; Type: TABLE; Schema: s2; Owner: gpadmin
--
--
-- Name: outside; Type: EXTERNAL TABLE; Schema: s2; Owner: gpadmin; Tablespace:
--
`;

async function* inPieces(text: string, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < text.length; at += size) yield Buffer.from(text.slice(at, at + size));
}

test.each([1, 7, 100_000])(
  "tables that are made are found, in pieces of %i bytes",
  async (size) => {
    const asked = ["public.t_ao", "s2.Strange; name", "s2.outside"];
    expect(await missingTables(inPieces(METADATA, size), asked)).toEqual([]);
  },
);

test("quotes do not matter, and parts are looked for as their whole table", async () => {
  const asked = [
    'public."t_ao"',
    '"public"."t_ao"',
    "public.t_ao_1_prt_jan",
    "s2.t_1_prt_2_2_prt_x",
  ];
  expect(await missingTables(inPieces(METADATA, 100), asked)).toEqual(["s2.t_1_prt_2_2_prt_x"]);
});

test("what is not made is named: other schemas, views, other letters", async () => {
  const asked = ["s2.t_ao", "public.t_ao", "public.t_view", "public.T_AO", "t_ao"];
  expect(await missingTables(inPieces(METADATA, 100), asked)).toEqual([
    "s2.t_ao",
    "public.t_view",
    "public.T_AO",
    "t_ao",
  ]);
});

test("a dump that makes no table tells nothing about tables", async () => {
  expect(await missingTables(inPieces("SET x = 1;\n", 100), ["public.t_ao"])).toEqual([]);
});
