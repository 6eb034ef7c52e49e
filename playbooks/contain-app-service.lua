-- SPDX-License-Identifier: Apache-2.0
-- Contain a compromised App Service: block the attackers now, then stop the site, close its
-- publishing doors and cut its identity off, once change managers agree.
local site = use "azure.appservice"
local rbac = use "azure.rbac"

return playbook {
  name    = "contain-app-service",
  summary = "Stop a compromised App Service and cut its identity off",

  params = {
    app = { "arm_id", "the site", type_of = "Microsoft.Web/sites" },
    ips = { "list of ip", "addresses to block at once", default = {} },
  },

  on_alert = {
    when   = { source = "defender-for-cloud", type = "AppServices_*", severity = "medium+" },
    params = function(alert)
      return { app = alert.resource "Microsoft.Web/sites", ips = alert.entities.ips }
    end,
  },

  run = function(p, ctx)
    local app = site.get { id = p.app }

    if #p.ips > 0 then
      site.block_ips { id = p.app, ips = p.ips, expires = "24h" } -- taken off again by itself
    end

    ctx.approve {
      title = "Stop " .. app.name .. " and remove its role assignments",
      from  = "change-managers", need = 1, within = "30m", on_timeout = "deny",
    }
    site.stop { id = p.app }
    site.disable_publishing { id = p.app } -- a stopped site still takes deployments
    -- Its own identity only: user-assigned ones may serve other sites.
    if app.identity and app.identity.principal_id then
      for _, grant in ipairs(rbac.assignments { principal = app.identity.principal_id }) do
        rbac.remove { id = grant.id }
      end
    end
  end,

  recover = function(p, ctx)
    ctx.rollback()
    ctx.wait_until(function() return site.get { id = p.app }.state == "Running" end,
                   { every = "15s", within = "10m" })
  end,
}
