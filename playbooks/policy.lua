-- SPDX-License-Identifier: Apache-2.0
-- Who must approve what. Owned by change managers, not by playbook authors. All rules that
-- match combine to the strictest; what no rule matches needs one approver when it can be
-- undone and two when it cannot.
return {
  groups = {
    ["change-managers"] = { "change-manager-1", "change-manager-2", "change-manager-3" },
    soc                 = { "oncall", "analyst-1" },
  },

  self_approval = false, -- who asks for a run never approves it

  rules = {
    -- Blocking an address hurts little, is undone by itself, and cannot wait.
    { name  = "blocking addresses goes ahead",
      match = { action = "*.block_ips" }, need = 0 },
    { name  = "stopping, disabling and removing need a change manager",
      match = { action = { "*.stop", "*.disable_*", "*.remove" } },
      need  = 1, from = { "change-managers" } },
    { name  = "what cannot be undone needs two change managers",
      match = { effect = "permanent" }, need = 2, from = { "change-managers" } },
  },

  guards = {
    changes_per_run  = 50,
    changes_per_hour = 200,
    targets_per_run  = 20,
    protected        = { -- target ids, "*" stands for anything: what is never touched
      "/providers/microsoft.management/*", -- rights on whole management groups
    },
    principals       = {}, -- object ids: break-glass accounts, cordon's own identity
    subscriptions    = {}, -- when not empty, the only ones that may be touched
  },

  gate = { within = "30m" },
}
