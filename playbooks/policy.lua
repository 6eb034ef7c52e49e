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
    -- What declares a low risk (a message to people) is left to other rules; where none
    -- speaks of it, it needs two people, as all that cannot be undone.
    { name  = "what cannot be undone needs two change managers",
      match = { effect = "permanent", risk = { "medium", "high" } }, need = 2,
      from = { "change-managers" } },
    { name  = "telling people goes ahead",
      match = { action = "notify.*" }, need = 0 },
  },

  guards = {
    changes_per_run           = 50,
    changes_per_hour          = 200, -- of all runs together
    changes_per_playbook_hour = 100,
    targets_per_run           = 20,
    -- Within an hour no more than this share of what exists, where the plugin knows how many
    -- exist (of Azure it does); but so many are no wave, however few exist.
    targets_percent  = 25,
    targets_floor    = 5,
    protected        = { -- target ids, "*" stands for anything: what is never touched
      "/providers/microsoft.management/*", -- rights on whole management groups
    },
    protected_tags   = {}, -- "tier=0", or a name alone: whatever has such a tag is never touched
    principals       = {}, -- object ids: break-glass accounts, cordon's own identity
    own              = {}, -- ids and addresses that cordon cannot do without
    subscriptions    = {}, -- when not empty, the only ones that may be touched
    tenants          = {}, -- the same of tenants, and of whom alerts are about
  },

  gate = { within = "30m" },
}
