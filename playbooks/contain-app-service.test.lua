-- SPDX-License-Identifier: Apache-2.0
-- What contain-app-service asks for, for each thing that it may meet.
local group = "/subscriptions/33333333-3333-3333-3333-333333333333/resourceGroups/shop"
local id = group .. "/providers/Microsoft.Web/sites/shop-web"
local grants = {
  group .. "/providers/Microsoft.Authorization/roleAssignments/a0000000-0000-4000-8000-000000000001",
  group .. "/providers/Microsoft.KeyVault/vaults/shop-kv/providers/Microsoft.Authorization"
    .. "/roleAssignments/a0000000-0000-4000-8000-000000000002",
}
local principal = "77777777-aaaa-4aaa-8aaa-777777777777"
local shop = "../plugins/azure/sim/worlds/shop.json"
local two = { "203.0.113.7", "203.0.113.44" }

local function site(state, identity)
  return { id = id, name = "shop-web", state = state, https_only = false, host_names = {},
           identity = identity }
end

local function grant(n)
  return { id = grants[n], name = "a000000" .. n, scope = group, principal_id = principal,
           role_definition_id = "/providers/Microsoft.Authorization/roleDefinitions/r" .. n }
end

local running = site("Running", { type = "SystemAssigned", principal_id = principal })

local function alert(severity, type)
  return {
    ProductName = "Microsoft Defender for Cloud", VendorName = "Microsoft",
    SystemAlertId = "a-1", AlertType = type or "AppServices_WebShellDetected",
    AlertDisplayName = "A web shell was uploaded", Severity = severity, Status = "New",
    TimeGenerated = "2026-11-20T02:18:02Z",
    Entities = { { ["$id"] = "1", Type = "ip", Address = two[1] },
                 { ["$id"] = "2", Type = "ip", Address = two[2] } },
    ResourceIdentifiers = { { Type = "AzureResource", AzureResourceId = id } },
  }
end

return {
  {
    name    = "an alert has its addresses blocked, and everything else done once that is approved",
    alert   = alert "High",
    answers = {
      ["azure.appservice.get"]   = running,
      ["azure.rbac.assignments"] = { grant(1), grant(2) },
    },
    expect  = {
      { "azure.appservice.get", { id = id } },
      { "azure.appservice.block_ips", { id = id, ips = two, expires = "24h" } },
      { "approve", { title = "Stop shop-web and remove its role assignments", need = 1 } },
      { "azure.appservice.stop", { id = id } },
      { "azure.appservice.disable_publishing", { id = id } },
      { "azure.rbac.assignments", { principal = principal } },
      { "azure.rbac.remove", { id = grants[1] } },
      { "azure.rbac.remove", { id = grants[2] } },
    },
  },
  { name = "a medium alert starts it too", alert = alert "Medium",
    answers = { ["azure.appservice.get"] = { error = { code = "Forbidden" } } },
    ends = "Forbidden" },
  { name = "a low alert starts nothing", alert = alert "Low", starts = false },
  { name = "an alert about something else starts nothing",
    alert = alert("High", "VM_SuspectProcess"), starts = false },
  {
    name    = "a denial leaves the blocked addresses, and nothing else",
    params  = { app = id, ips = two },
    answers = { ["azure.appservice.get"] = running, approve = false },
    expect  = { "azure.appservice.get", "azure.appservice.block_ips", "approve" },
    ends    = "denied",
  },
  {
    name    = "without addresses nothing is blocked before the approval",
    params  = { app = id },
    answers = { ["azure.appservice.get"] = running, approve = false },
    expect  = { "azure.appservice.get", "approve" },
    ends    = "denied",
  },
  {
    name    = "a site without an identity has no rights that could be removed",
    params  = { app = id },
    answers = { ["azure.appservice.get"] = site "Running" },
    expect  = { "azure.appservice.get", "approve", "azure.appservice.stop",
                "azure.appservice.disable_publishing" },
  },
  {
    name    = "identities that a site may share with others keep their rights",
    params  = { app = id },
    answers = {
      ["azure.appservice.get"] = site("Running", {
        type = "UserAssigned",
        user_assigned = { { id = group .. "/providers/Microsoft.ManagedIdentity"
                                 .. "/userAssignedIdentities/shared",
                            principal_id = principal } },
      }),
    },
    expect  = { "azure.appservice.get", "approve", "azure.appservice.stop",
                "azure.appservice.disable_publishing" },
  },
  {
    name    = "a site that is not there is an error, and nobody is asked",
    params  = { app = id, ips = two },
    answers = { ["azure.appservice.get"] = { error = { code = "ResourceNotFound",
                                                       message = "no such site" } } },
    expect  = { "azure.appservice.get" },
    ends    = "ResourceNotFound",
  },
  {
    name    = "a stop that is refused ends it there, with the addresses still blocked",
    params  = { app = id, ips = two },
    answers = {
      ["azure.appservice.get"]  = running,
      ["azure.appservice.stop"] = { error = { code = "ScopeLocked", message = "a lock" } },
    },
    expect  = { "azure.appservice.get", "azure.appservice.block_ips", "approve",
                "azure.appservice.stop" },
    ends    = "ScopeLocked",
  },
  {
    name    = "recovery puts everything back and waits until the site runs",
    entry   = "recover",
    params  = { app = id },
    answers = {
      ["azure.appservice.get"] = { in_order = { site "Stopped", site "Stopped", site "Running" } },
    },
    expect  = { "rollback",
                "azure.appservice.get", { "sleep", { ms = 15000 } },
                "azure.appservice.get", "sleep", "azure.appservice.get" },
  },
  {
    name    = "recovery says so when the site does not come back",
    entry   = "recover",
    params  = { app = id },
    answers = { ["azure.appservice.get"] = site "Stopped" },
    ends    = "timeout",
  },
  {
    name        = "rehearsed: the shop's site is blocked, stopped, closed and without rights",
    world       = shop,
    alert       = alert "High",
    effects     = { "web.config " .. id .. "*", "web.stop " .. id, "web.publishing *",
                    "web.publishing *", "role.delete " .. grants[1], "role.delete " .. grants[2] },
    world_after = {
      [id] = { properties = { state = "Stopped" },
               policies = { scm = { properties = { allow = false } },
                            ftp = { properties = { allow = false } } } },
      [grants[1]] = false,
      [grants[2]] = false,
    },
  },
  {
    name        = "rehearsed: a rollback opens the site again and gives its rights back",
    world       = shop,
    params      = { app = id, ips = two },
    rollback    = true,
    effects     = { "web.config *", "web.stop *", "web.publishing *", "web.publishing *",
                    "role.delete *", "role.delete *",
                    "role.put " .. grants[2], "role.put " .. grants[1],
                    "web.publishing *", "web.publishing *", "web.start *", "web.config *" },
    world_after = {
      [id] = { properties = { state = "Running" },
               policies = { scm = { properties = { allow = true } },
                            ftp = { properties = { allow = true } } } },
      [grants[1]] = { properties = { principalId = principal } },
      [grants[2]] = { properties = { principalId = principal } },
    },
  },
  {
    name        = "rehearsed: a denial leaves the site running, with the addresses blocked",
    world       = shop,
    alert       = alert "High",
    answers     = { approve = false },
    ends        = "denied",
    effects     = { "web.config *" },
    world_after = { [id] = { properties = { state = "Running" } } },
  },
}
