-- SPDX-License-Identifier: Apache-2.0
-- What policy.lua says of a change, as a table: cordon policy test playbooks/policy.test.lua
local site = "/subscriptions/1c0ffee0-0000-4000-8000-000000000001/resourceGroups/shop" ..
             "/providers/Microsoft.Web/sites/shop-web"
local managers = { "change-managers" }

return {
  { name = "blocking an address goes ahead",
    action = "azure.appservice.block_ips", effect = "reverts", target = site,
    expect = { need = 0, rules = { "blocking addresses goes ahead" } } },

  { name = "blocking an address in a network security group goes ahead",
    action = "azure.nsg.block_ips", effect = "reverts", target = site,
    expect = { need = 0 } },

  { name = "stopping a site needs a change manager",
    action = "azure.appservice.stop", effect = "reverts", target = site,
    expect = { need = 1, from = managers,
               rules = { "stopping, disabling and removing need a change manager" } } },

  { name = "removing a role assignment needs a change manager",
    action = "azure.rbac.remove", effect = "reverts",
    target = site .. "/providers/Microsoft.Authorization/roleAssignments/1",
    expect = { need = 1, from = managers } },

  { name = "disabling publishing needs a change manager",
    action = "azure.appservice.disable_publishing", effect = "reverts", target = site,
    expect = { need = 1, from = managers } },

  { name = "rotating a secret cannot be undone and needs two change managers",
    action = "azure.keyvault.rotate_secret", effect = "permanent",
    target = "https://shop.vault.azure.net/secrets/db",
    expect = { need = 2, from = managers,
               rules = { "what cannot be undone needs two change managers" } } },

  { name = "what no rule names and can be undone needs one approver of any group",
    action = "other.thing.change", effect = "reverts", target = "thing-1",
    expect = { need = 1, from = {}, rules = { "default" } } },

  { name = "undoing needs nobody",
    action = "azure.appservice.stop", effect = "reverts", target = site, op = "undo",
    expect = { need = 0, rules = {} } },

  { name = "rights on management groups are never touched",
    action = "azure.rbac.remove", effect = "reverts",
    target = "/providers/Microsoft.Management/managementGroups/root/providers/" ..
             "Microsoft.Authorization/roleAssignments/1",
    expect = { guard = "protected" } },

  { name = "what is the runner's own is never touched",
    action = "azure.rbac.remove", effect = "reverts", target = site,
    own = "the assignment is that of our own identity",
    expect = { guard = "own" } },

  { name = "the 21st target of a run is one too many",
    action = "azure.appservice.stop", effect = "reverts", target = site, targets = 21,
    expect = { guard = "targets_per_run" } },

  { name = "more than a quarter of what exists is too much for an hour",
    action = "azure.appservice.stop", effect = "reverts", target = site, targets = 6,
    exists = 20, expect = { guard = "targets_percent" } },

  { name = "five are no wave, however few exist",
    action = "azure.appservice.stop", effect = "reverts", target = site, targets = 5,
    exists = 6, expect = { need = 1 } },
}
