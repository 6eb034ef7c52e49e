-- SPDX-License-Identifier: Apache-2.0
--
-- Microsoft Graph security and Defender XDR: alerts (alerts_v2), incidents, rows of the tables
-- AlertInfo and AlertEvidence, and change notifications, which name one of these and hold nothing
-- of it: it is fetched by its id. Lifecycle notifications are about the subscription, and no
-- alerts.

local function graph_type(event)
    return (alert.text(event, "@odata.type") or ""):lower()
end

local function is_notification(event)
    return type(alert.get(event, "changeType")) == "string"
        and type(alert.get(event, "subscriptionId")) == "string"
        and type(alert.get(event, "resource")) == "string"
end

-- reauthorizationRequired, subscriptionRemoved, missed.
local function is_lifecycle(event)
    return type(alert.get(event, "lifecycleEvent")) == "string"
        and type(alert.get(event, "subscriptionId")) == "string"
end

-- A row as queries give it, or as the streaming API wraps it: {"category", "properties"}.
local function row_of(event)
    local category = alert.text(event, "category") or ""
    if category:lower():find("^advancedhunting%-") then return alert.get(event, "properties"), category end
    return event
end

local function is_row(event)
    local row, category = row_of(event)
    if category then return type(row) == "table" end
    local table_name = (alert.text(row, "Type") or ""):lower()
    if table_name == "alertinfo" or table_name == "alertevidence" then return true end
    return type(alert.get(row, "AlertId")) == "string"
        and (type(alert.get(row, "EntityType")) == "string"
            or (type(alert.get(row, "ServiceSource")) == "string" and type(alert.get(row, "Title")) == "string"))
end

local function is_alert(event)
    return graph_type(event):find("^#microsoft%.graph%.security%.alert$") ~= nil
        or (type(alert.get(event, "serviceSource")) == "string"
            and type(alert.get(event, "createdDateTime")) == "string")
end

local function is_incident(event)
    return graph_type(event):find("^#microsoft%.graph%.security%.incident$") ~= nil
        or graph_type(event):find("^#microsoft%.graph%.incident$") ~= nil
        or (type(alert.get(event, "incidentWebUrl")) == "string"
            and type(alert.get(event, "displayName")) == "string")
end

-- unknown and unknownFutureValue: Graph itself cannot say, to a client that is older than the word.
local function severity_of(found, what, event)
    local word = alert.text(event, "severity")
    if word and word:lower():find("^unknown") then
        alert.note(found, 'the severity is "' .. word .. '": informational')
        return "informational"
    end
    return alert.graded(what, event, { "severity" })
end

-- -- The four ----------------------------------------------------------------------------------

-- Defender for Cloud's types begin with the plan that found the alert, and Graph does not hand
-- the type on: the plan stands in detectionSource, or follows from what was attacked.
local plans = {
    microsoftdefenderforappservice = "AppServices_", microsoftdefenderforservers = "VM_",
    microsoftdefenderforstorage = "Storage.Blob_", microsoftdefenderfordatabases = "SQL.DB_",
    microsoftdefenderforsql = "SQL.DB_", microsoftdefenderforcontainers = "K8S_",
    microsoftdefenderforkubernetes = "K8S_", microsoftdefenderforkeyvault = "KV_",
    microsoftdefenderforresourcemanager = "ARM_", microsoftdefenderfordns = "AzureDNS_",
    microsoftdefenderforapimanagement = "API_", microsoftdefenderforapis = "API_",
    microsoftdefenderfornetwork = "Network_", microsoftdefenderforcosmosdb = "CosmosDB_",
}
local plan_of_resource = {
    ["microsoft.web/sites"] = "AppServices_", ["microsoft.compute/virtualmachines"] = "VM_",
    ["microsoft.compute/virtualmachinescalesets"] = "VM_", ["microsoft.hybridcompute/machines"] = "VM_",
    ["microsoft.storage/storageaccounts"] = "Storage.Blob_", ["microsoft.sql/servers"] = "SQL.DB_",
    ["microsoft.containerservice/managedclusters"] = "K8S_", ["microsoft.keyvault/vaults"] = "KV_",
    ["microsoft.apimanagement/service"] = "API_", ["microsoft.documentdb/databaseaccounts"] = "CosmosDB_",
}

local function is_guid(value)
    return value ~= nil and value:find("^%x+%-%x+%-%x+%-%x+%-%x+$") ~= nil
end

-- The title as one word: "A web shell" is AWebShell.
local function as_word(title)
    return ((title or ""):gsub("(%w)(%w*)", function(first, rest) return first:upper() .. rest end):gsub("[^%w]", ""))
end

local function type_of(product, told, title, detection, resources)
    if product ~= "defender-for-cloud" or (told and told:find("_", 1, true) and not is_guid(told)) then return told end
    local plan = plans[(detection or ""):lower()]
    for _, id in ipairs(plan and {} or resources) do
        plan = plan or plan_of_resource[(alert.arm(id).type or ""):lower()]
    end
    return plan and plan .. as_word(title) or told
end

local function product_of(event)
    return alert.product(alert.text(event, "serviceSource"), alert.text(event, "detectionSource"),
        alert.text(event, "productName"))
end

local function state_of(event)
    return alert.state(alert.text(event, "status"), alert.text(event, "classification"),
        alert.text(event, "determination"), alert.text(event, "feedback"))
end

local function is_simulated(event)
    return alert.simulated(alert.text(event, "title"), alert.text(event, "displayName"), alert.text(event, "description"))
        or alert.has_simulator(alert.get(event, "evidence"))
        or alert.has_simulator(alert.get(event, "additionalData"))
end

local function from_alert(event)
    local found = alert.found()
    alert.collect(found, alert.get(event, "evidence"))
    alert.properties(found, alert.get(event, "additionalData"))
    alert.properties(found, alert.get(event, "customDetails"))
    local severity = severity_of(found, "the Graph alert", event)
    local entities, resources = alert.settle(found)
    local product = product_of(event)
    local status, over = state_of(event)
    local told = alert.text(alert.opened(alert.get(event, "additionalData")), "alertType")
        or alert.text(event, "detectorId", "category")
    return {
        id = alert.text(event, "id"),
        source = "graph",
        product = product,
        keys = alert.keys(product or "graph", alert.text(event, "providerAlertId"), alert.text(event, "id")),
        over = over,
        simulated = is_simulated(event),
        type = type_of(product, told, alert.text(event, "title"), alert.text(event, "detectionSource"), resources),
        title = alert.text(event, "title"),
        severity = severity,
        status = status,
        time = alert.when(found, event, { "createdDateTime", "firstActivityDateTime", "lastUpdateDateTime" }),
        tenant = alert.text(event, "tenantId"),
        subscription = alert.subscription(resources[1]),
        link = alert.text(event, "alertWebUrl"),
        resources = resources,
        entities = entities,
        tactics = alert.tactics(alert.get(event, "category")),
        techniques = alert.techniques(alert.get(event, "mitreTechniques")),
        notes = found.notes,
    }
end

-- The address of a row of AlertEvidence: of the evidence itself, or of a connection that it had.
local function row_addresses(found, row)
    local is_address = (alert.text(row, "EntityType") or ""):lower() == "ip"
    alert.address(found, alert.text(row, "RemoteIP"), is_address and alert.whose(row) or nil)
    alert.address(found, alert.text(row, "LocalIP"), "own")
end

local function row_entities(found, row)
    local name, domain = alert.text(row, "AccountName"), alert.text(row, "AccountDomain")
    local file, folder = alert.text(row, "FileName"), alert.text(row, "FolderPath")
    row_addresses(found, row)
    alert.account(found, alert.text(row, "AccountUpn") or (name and domain and domain .. "\\" .. name) or name
        or alert.text(row, "AccountObjectId"))
    alert.join(found.hosts, { alert.text(row, "DeviceName") })
    alert.join(found.urls, { alert.text(row, "RemoteUrl") })
    alert.join(found.files, { folder and file and folder:gsub("[/\\]+$", "") .. "\\" .. file or file })
    alert.join(found.resources, alert.resources(alert.text(row, "ResourceID"), alert.text(row, "CloudResource")))
    local more = alert.opened(alert.get(row, "AdditionalFields"))
    if type(more) == "table" then alert.collect(found, { more }, more) end
end

-- Other tables of the stream hold events, and no alerts.
local function from_row(event)
    local row, category = row_of(event)
    if category and not category:lower():find("%-alert%a+$") then return nil end
    local found = alert.found()
    row_entities(found, row)
    local severity = severity_of(found, "the row of " .. (alert.text(row, "EntityType") and "AlertEvidence" or "AlertInfo"), row)
    local entities, resources = alert.settle(found)
    local status, over = state_of(row)
    local product, id = product_of(row), alert.text(row, "AlertId") or alert.refuse("the row has no AlertId")
    return {
        id = id,
        source = "graph",
        product = product,
        keys = alert.keys(product or "graph", id),
        over = over,
        status = status,
        simulated = is_simulated(row),
        type = type_of(product, alert.text(row, "DetectorId", "Category", "Title"), alert.text(row, "Title"),
            alert.text(row, "DetectionSource"), resources),
        title = alert.text(row, "Title"),
        severity = severity,
        time = alert.when(found, row, { "Timestamp", "TimeGenerated" }) or alert.when(found, event, { "time" }),
        tenant = category and alert.text(event, "tenantId"), -- in a workspace it is the workspace's
        subscription = alert.subscription(resources[1]) or alert.text(row, "SubscriptionId"),
        resources = resources,
        entities = entities,
        tactics = alert.join(alert.tactics(alert.get(row, "Category")), alert.tactics(alert.get(row, "Categories"))),
        techniques = alert.techniques(alert.get(row, "AttackTechniques")),
        notes = found.notes,
    }
end

-- An incident that was merged into another is over; the other one goes on under its own id.
local function from_incident(event)
    local id, merged = alert.text(event, "id"), alert.text(event, "redirectIncidentId")
    local found = alert.found()
    for _, one in ipairs(alert.list(alert.get(event, "alerts"))) do
        alert.join(found.children, { alert.text(one, "id") })
        alert.join(found.child_keys, alert.child_keys(one))
        alert.collect(found, alert.get(one, "evidence"))
    end
    if merged then alert.note(found, "it was merged into the incident " .. merged) end
    local severity = severity_of(found, "the Graph incident", event)
    local entities, resources = alert.settle(found)
    local status, over = state_of(event)
    return {
        id = id,
        source = "graph",
        keys = alert.join(alert.keys("graph-incident", id), found.child_keys),
        over = over or merged ~= nil or nil,
        simulated = is_simulated(event),
        type = "Incident",
        title = alert.text(event, "displayName"),
        severity = severity,
        status = merged and "redirected" or status,
        time = alert.when(found, event, { "createdDateTime", "lastUpdateDateTime" }),
        tenant = alert.text(event, "tenantId"),
        subscription = alert.subscription(resources[1]),
        link = alert.text(event, "incidentWebUrl"),
        resources = resources,
        entities = entities,
        children = found.children,
        notes = found.notes,
    }
end

-- "security/alerts_v2/ID" and "security/alerts_v2('ID')" name the same.
local function from_notification(event)
    local resource = alert.text(event, "resource") or ""
    local kind, rest = resource:lower():match("security/(%a+_?v?2?)[/(](.*)$")
    local id = alert.text(alert.get(event, "resourceData"), "id")
    if rest and rest ~= "" and not id then id = resource:sub(-#rest):match("^'?([^')/]+)") end
    if kind ~= "alerts_v2" and kind ~= "incidents" then return nil end
    if not id then alert.refuse("the notification does not name what has changed") end
    return { fetch = kind == "incidents" and "graph-incidents" or "graph-alerts", id = id }
end

return {
    want = "an alert (alerts_v2), an incident, or a change notification of Graph security, or a row of"
        .. " AlertInfo or AlertEvidence",
    kin = { "defender-for-cloud", "sentinel", "cloudevents", "event-grid" },

    is = function(event)
        return is_notification(event) or is_lifecycle(event) or is_alert(event) or is_incident(event)
            or is_row(event)
    end,

    adapt = function(event)
        if is_lifecycle(event) then return nil end
        if is_notification(event) then return from_notification(event) end
        if is_alert(event) then return from_alert(event) end
        if is_row(event) then return from_row(event) end
        return from_incident(event)
    end,
}
