import { describe, expect, test } from "vitest";
import { DUMP_OPTIONS } from "./dump-options.ts";
import { givenValue, isGiven, scanOptions } from "./option-scan.ts";
import { RESTORE_OPTIONS } from "./restore-options.ts";

const messageOf = (args: readonly string[], table = DUMP_OPTIONS): string | undefined =>
  scanOptions(args, table).problems[0]?.message;

describe("options", () => {
  test("are read in every way that optparse takes them", () => {
    const args = [
      "-gG",
      "-t",
      "public.a",
      "-tpublic.b",
      "-zT",
      "s.c",
      "--schema-file=/x",
      "-B",
      "4",
    ];
    expect(scanOptions(args, DUMP_OPTIONS)).toEqual({
      options: [
        { name: "-g" },
        { name: "-G" },
        { name: "-t", value: "public.a" },
        { name: "-t", value: "public.b" },
        { name: "-z" },
        { name: "-T", value: "s.c" },
        { name: "--schema-file", value: "/x" },
        { name: "-B", value: "4" },
      ],
      problems: [],
    });
  });

  test("of a restore may or may not take a word", () => {
    const { options } = scanOptions(["-G", "-e", "--restore-stats", "only"], RESTORE_OPTIONS);
    expect(givenValue(options, "-G")).toBeUndefined();
    expect(isGiven(options, "-G")).toBe(true);
    expect(givenValue(options, "--restore-stats")).toBe("only");
    expect(messageOf(["-G", "all"], RESTORE_OPTIONS)).toBe(
      'bad value "all" of option -G; allowed: include, only',
    );
  });

  test.each([
    [["-r"], "option -r cannot be given: a rollback deletes what is not its own"],
    [["-zr"], "option -r cannot be given: a rollback deletes what is not its own"],
    [["-K", "20261120110000"], "option -K cannot be given: the key is the set's name"],
    [["-xother"], "option -x cannot be given: the plan's producer.database says it"],
    [["-x", "a", "-x", "b"], "option -x cannot be given: the plan's producer.database says it"],
    [["-u", "/x"], "option -u cannot be given: the plan's producer.directory says it"],
    [["--prefix=foo"], "option --prefix cannot be given: the plan's producer.prefix says it"],
    [["-c"], "option -c cannot be given: it deletes dumps on the hosts"],
    [["-o"], "option -o cannot be given: it deletes dumps on the hosts"],
    [["-a"], "option -a cannot be given: it is always given"],
    [["-b"], "option -b cannot be given: it is always given"],
    [["-q"], "option -q cannot be given: what gpcrondump says is a sign of its success"],
    [
      ["--list-backup-files"],
      "option --list-backup-files cannot be given: with it nothing is dumped",
    ],
    [["--ddboost"], "option --ddboost cannot be given: Data Domain Boost and named pipes exclude"],
    [
      ["--incremental"],
      "option --incremental cannot be given: an incremental set is restored from",
    ],
    [["--dump-stat"], 'unknown option "--dump-stat" (did you mean "--dump-stats"?); allowed: -B,'],
    [["-t"], "option -t needs a value"],
    [["--schema-file="], "option --schema-file needs a value"],
    [["-z", "now"], '"now" is no option; allowed: options'],
    [["--dump-stats=yes"], "option --dump-stats takes no value"],
    [["constructor"], '"constructor" is no option; allowed: options'],
  ])("of a dump are refused: %j", (args, message) => {
    expect(messageOf(args)).toContain(message);
  });

  test.each([
    [["-x", "testdb"], "option -x cannot be given: gpdbrestore has no such option: the set itself"],
    [["-t", "20261120110000"], "option -t cannot be given: which set is restored is said by --set"],
    [["-u/x"], "option -u cannot be given: the plan's producer.directory says it"],
    [["-R", "h:/x"], "option -R cannot be given: what is restored comes through named pipes"],
    [["-L"], "option -L cannot be given: with it nothing is restored, and it reads the metadata"],
    [["-s", "testdb"], "option -s cannot be given: which set is restored is said by --set"],
    [["-b", "20261120"], "option -b cannot be given: which set is restored is said by --set"],
  ])("of a restore are refused: %j", (args, message) => {
    expect(messageOf(args, RESTORE_OPTIONS)).toContain(message);
  });

  test("say at which argument a problem is, and go on behind it", () => {
    const { problems } = scanOptions(["-g", "-u", "/x", "-r"], DUMP_OPTIONS);
    expect(problems.map(({ index }) => index)).toEqual([1, 3]);
  });
});
