import { assertOpenFiles } from "@penstock/common";
import type { StreamPlan } from "./stream-plan.ts";

/** Its pipe and its mover's connection; if it is held open, one end more. */
const PER_STREAM = 2;
/** In a restore a guard as well, with its share of a keeper. */
const PER_GUARD = 2;
/** For the tools' outputs, other controllers, another run's first steps. */
const RESERVE = 100;

/** Throws `failed` if this process may not open enough files for so many streams more. */
export async function assertDescriptors(
  plans: readonly Pick<StreamPlan, "direction" | "isHeldOpen">[],
): Promise<void> {
  if (plans.length === 0) return;
  const held = plans.filter(({ isHeldOpen }) => isHeldOpen).length;
  const guarded = plans.filter(({ direction }) => direction === "restore").length;
  await assertOpenFiles({
    what: `${plans.length} streams`,
    needed: plans.length * PER_STREAM + held + guarded * PER_GUARD + RESERVE,
    hint: "raise LimitNOFILE= of the agent's service (ulimit -n)",
  });
}
