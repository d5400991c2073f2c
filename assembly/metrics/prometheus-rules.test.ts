import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const rules = fileURLToPath(new URL("prometheus-rules.yaml", import.meta.url));
const hasPromtool = spawnSync("promtool", ["--version"]).status === 0;

describe.skipIf(!hasPromtool)(`rules for Prometheus${hasPromtool ? "" : ": no promtool on this machine"}`, () => {
  it("are accepted", () => {
    expect(execFileSync("promtool", ["check", "rules", rules], { encoding: "utf8" })).toContain("11 rules found");
  });

  it("page for an objective that burns, and for no other", () => {
    const series = (name: string, slo: string, perMinute: number) => ({
      series: `${name}{slo="${slo}",instance="a"}`,
      values: `0+${perMinute}x120`,
    });
    const alerts = (alertname: string, summary: string) => ({
      eval_time: "100m",
      alertname,
      exp_alerts: [{ exp_labels: { slo: "bad", severity: "page" }, exp_annotations: { summary } }],
    });
    const test = {
      rule_files: [rules],
      evaluation_interval: "1m",
      tests: [
        {
          interval: "1m",
          input_series: [
            series("slo_requests_total", "bad", 128),
            series("slo_good_total", "bad", 64),
            series("slo_requests_total", "fine", 128),
            series("slo_good_total", "fine", 128),
          ],
          promql_expr_test: [
            {
              expr: 'slo:error_ratio:rate1h{slo="bad"}',
              eval_time: "100m",
              exp_samples: [{ labels: 'slo:error_ratio:rate1h{slo="bad"}', value: 0.5 }],
            },
          ],
          alert_rule_test: [
            alerts("SloBurnsFast", "bad uses 2 % of its monthly error budget in an hour"),
            alerts("SloBurns", "bad uses 5 % of its monthly error budget in six hours"),
          ],
        },
      ],
    };
    const folder = mkdtempSync(join(tmpdir(), "attache-rules-"));
    try {
      // JSON is YAML.
      writeFileSync(join(folder, "test.yaml"), JSON.stringify(test));
      const { stdout, stderr } = spawnSync("promtool", ["test", "rules", join(folder, "test.yaml")], {
        encoding: "utf8",
      });
      expect(stdout + stderr).toContain("SUCCESS");
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
