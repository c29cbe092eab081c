# Writes Firth's Cox estimates and profile intervals, maximised from coxph's own likelihood and information, as JSON.
# usage: Rscript firth.R firth.json
suppressMessages({library(survival); library(jsonlite)})
penalised <- function(b, form, data) {
  f <- coxph(form, data, init = b, ties = "breslow", control = coxph.control(iter.max = 0))
  f$loglik[2] - 0.5 * as.numeric(determinant(f$var, logarithm = TRUE)$modulus)
}
profile <- function(form, data, terms) {
  p <- length(terms)
  find <- function(start, fixed = NULL, at = NULL) {
    free <- setdiff(seq_len(p), fixed)
    full <- function(v) { b <- numeric(p); b[free] <- v; if (!is.null(fixed)) b[fixed] <- at; b }
    if (!length(free)) return(list(par = at, value = penalised(at, form, data)))
    o <- optim(start[free], function(v) -penalised(full(v), form, data), method = "BFGS", control = list(reltol = 1e-14, maxit = 500))
    list(par = full(o$par), value = -o$value)
  }
  best <- find(numeric(p))
  best <- find(best$par)
  limit <- best$value - qchisq(.95, 1) / 2
  se <- sqrt(diag(coxph(form, data, init = best$par, ties = "breslow", control = coxph.control(iter.max = 0))$var))
  side <- function(j, way) {
    gap <- function(d) find(best$par, j, best$par[j] + way * d)$value - limit
    far <- 2 * se[j]
    while (gap(far) > 0) far <- far * 1.5
    best$par[j] + way * uniroot(gap, c(1e-3 * se[j], far), tol = 1e-8)$root
  }
  p0 <- sapply(seq_len(p), function(j) pchisq(2 * (best$value - find(best$par, j, 0)$value), 1, lower.tail = FALSE))
  list(terms = terms, coef = best$par, lower = sapply(seq_len(p), side, -1), upper = sapply(seq_len(p), side, 1), p = p0)
}
o <- ovarian
o$age <- o$age / 10
o$safe <- as.numeric(o$fustat == 0 & seq_len(nrow(o)) %% 2 == 0)
o$month <- ceiling(o$futime / 60)
out <- list(R = R.version.string, survival = as.character(packageVersion("survival")), data = o,
  plain = profile(Surv(futime, fustat) ~ age + rx, o, c("age", "rx")),
  separated = profile(Surv(futime, fustat) ~ age + safe, o, c("age", "safe")),
  tied = profile(Surv(month, fustat) ~ age + safe + rx, o, c("age", "safe", "rx")))
write(toJSON(out, digits = NA, auto_unbox = TRUE, dataframe = "columns"), commandArgs(TRUE)[1])
