/** The closed table of ledger kinds (ledger.md 2). A kind is added here and in the spec that owns it, nowhere else. */
const GROUPS = {
  ledger: `ledger_epoch ledger_pruned ledger_fork ledger_truncated ledger_rollback ledger_repaired witness_state
    export`,
  daemon: `boot shutdown clock_jump config_change store_corrupt cas_corrupt safe_mode_enter safe_mode_exit boot_state
    boot_locked desync resource_required resource_available`,
  runs: "run run_rollup",
  effects: `effect_intent effect_done effect_outcome_unknown guard_refused fallback_used incident`,
  policy: `policy_received policy_verified policy_planned policy_gated policy_shadowed policy_active policy_self_test
    policy_probe policy_canary policy_committed policy_rejected policy_rolling_back policy_rolled_back policy_corrupt
    decision rollout_guard_pass rollout_guard_block rollout_gate_pass rollout_gate_fail canary_start stage_pass
    stage_fail autotune heal grace_used runtime_content_hash runtime_no_drift runtime_drift_detected
    kpi_regression_ok kpi_regression_block auto_remedy_apply compensation`,
  fleet: `peer_equivocation peer_excluded peer_readmitted peer_muted own_chain_behind state_divergence snapshot_export
    snapshot_import lease_granted lease_lost outbox_gap`,
  subjects: `subject_created subject_exported subject_imported subject_erase_requested subject_erased subject_rekeyed
    memory_consolidated feedback_card lut_change`,
  trust: `command key_added key_rotated key_revoked roster_changed consent_changed inbound_rejected official_verified
    official_rejected`,
  state: `quarantine_enter quarantine_exit throttle_change mode_change homeostasis_locked homeostasis_unlocked
    review_required fix_plan rule_change alert phi_window`,
} as const;

/** Every kind this version writes, grouped as the spec groups them. */
export const LEDGER_KINDS: ReadonlySet<string> = new Set(
  Object.values(GROUPS).flatMap((names) => names.split(/\s+/).filter((name) => name.length > 0)),
);

const KEPT_FOREVER = new Set([
  "policy_active",
  "policy_committed",
  "policy_rejected",
  "policy_rolled_back",
  "decision",
  "grace_used",
  "roster_changed",
  "compensation",
]);

/** Whether pruning keeps an entry of this kind, with its inclusion proof (ledger.md 11). */
export const isKeptForever = (kind: string): boolean =>
  KEPT_FOREVER.has(kind) || /^(ledger|key|safe_mode)_/.test(kind);
