-- SPDX-License-Identifier: Apache-2.0
-- What remove-rogue-role-assignment asks for, for each thing that it may meet.
local scope = "/subscriptions/33333333-3333-3333-3333-333333333333"
local principal = "77777777-aaaa-4aaa-8aaa-777777777777"
local params = { principal = principal, scope = scope }

local function grant(n)
  local name = "a0000000-0000-4000-8000-00000000000" .. n
  return { id = scope .. "/providers/Microsoft.Authorization/roleAssignments/" .. name,
           name = name, scope = scope, principal_id = principal,
           role_definition_id = "/providers/Microsoft.Authorization/roleDefinitions/r" .. n }
end

return {
  {
    name    = "all assignments of the principal in the scope are removed, and nobody else's",
    params  = params,
    answers = { ["azure.rbac.assignments"] = { grant(1), grant(2) } },
    expect  = {
      { "azure.rbac.assignments", { principal = principal, scope = scope } },
      { "approve", { title = "Remove the role assignments of " .. principal,
                     detail = "At or below " .. scope .. ": 2" } },
      { "azure.rbac.remove", { id = grant(1).id } },
      { "azure.rbac.remove", { id = grant(2).id } },
    },
  },
  {
    name    = "with nothing to remove nobody is asked",
    params  = params,
    answers = { ["azure.rbac.assignments"] = {} },
    expect  = { "azure.rbac.assignments" },
  },
  {
    name    = "a denial removes nothing",
    params  = params,
    answers = { ["azure.rbac.assignments"] = { grant(1) }, approve = false },
    expect  = { "azure.rbac.assignments",
                { "approve", { detail = "At or below " .. scope .. ": 1" } } },
    ends    = "denied",
  },
  {
    name    = "a scope that is not there is an error, and nobody is asked",
    params  = params,
    answers = { ["azure.rbac.assignments"] = { error = { code = "SubscriptionNotFound",
                                                         message = "no" } } },
    expect  = { "azure.rbac.assignments" },
    ends    = "SubscriptionNotFound",
  },
  {
    name    = "a removal that is refused ends it, and those before it stay removed",
    params  = params,
    answers = {
      ["azure.rbac.assignments"] = { grant(1), grant(2), grant(3) },
      ["azure.rbac.remove"] = { in_order = {
        {}, { error = { code = "AuthorizationFailed", message = "no" } } } },
    },
    expect  = { "azure.rbac.assignments", "approve", "azure.rbac.remove",
                { "azure.rbac.remove", { id = grant(2).id } } },
    ends    = "AuthorizationFailed",
  },
  {
    name        = "rehearsed: all that the shop's site may do is taken from it",
    world       = "../plugins/azure/sim/worlds/shop.json",
    params      = params,
    effects     = { "role.delete *", "role.delete *" },
    world_after = { [grant(1).id] = false },
  },
}
