# Reference results for competing risks, splines and nomograms on survival::pbc, as JSON.
# usage: Rscript competing.R competing.json
# time in months (rounded, so that many are tied), status 0 alive, 1 died, 2 transplanted.
suppressMessages({library(survival); library(cmprsk); library(rms); library(jsonlite)})
num <- function(x) unname(as.numeric(x))
p <- pbc[complete.cases(pbc[, c("age", "bili", "albumin", "stage", "sex", "edema")]), ]
d <- data.frame(id = p$id, time = ceiling(p$time / 30.4375), status = c(0, 2, 1)[p$status + 1], age = round(p$age, 2), bili = p$bili,
                albumin = p$albumin, stage = paste0("s", p$stage), sex = as.character(p$sex), edema = as.character(p$edema))
out <- list(data = d, versions = lapply(c(survival = "survival", cmprsk = "cmprsk", rms = "rms", Hmisc = "Hmisc"), function(v) as.character(packageVersion(v))))
at <- c(12, 36, 60, 96)
ci <- cuminc(d$time, d$status, d$sex); tp <- timepoints(ci, at)
out$cuminc <- list(times = at, rows = rownames(tp$est), est = apply(tp$est, 1, num, simplify = FALSE), var = apply(tp$var, 1, num, simplify = FALSE),
                   stat = num(ci$Tests[, 1]), p = num(ci$Tests[, 2]))
test <- function(...) { t <- cuminc(d$time, d$status, ...)$Tests; list(stat = num(t[, 1]), p = num(t[, 2]), df = num(t[, 3])) }
out$gray_stage <- test(d$stage)
out$gray_strata <- test(d$stage, d$sex)
out$gray_rho <- test(d$stage, rho = 1)
fg <- function(..., formula = ~ age + log(bili) + sex + edema) {
  m <- model.matrix(formula, d)[, -1]
  f <- crr(d$time, d$status, m, variance = TRUE, gtol = 1e-12, maxiter = 50, ...)
  q <- predict(f, m[c(1, 7, 50), ])
  k <- findInterval(at, q[, 1])
  list(terms = names(f$coef), coef = num(f$coef), se = num(sqrt(diag(f$var))), var = lapply(1:nrow(f$var), function(i) num(f$var[i, ])), loglik = f$loglik,
       loglik_null = f$loglik.null, rows = c(1, 7, 50), times = at, cif = lapply(2:4, function(j) num(c(0, q[, j])[k + 1])))
}
out$crr <- fg(failcode = 1)
out$crr_cause2 <- fg(failcode = 2, formula = ~ age + log(bili) + sex)
out$crr_groups <- fg(failcode = 1, cengroup = d$sex)
# splines
out$knots <- lapply(c("3" = 3, "4" = 4, "5" = 5, "6" = 6, "7" = 7), function(k) num(rcspline.eval(d$bili, nk = k, knots.only = TRUE)))
out$knots_small <- num(rcspline.eval(d$age[1:60], nk = 4, knots.only = TRUE))
z <- pmax(d$bili - 1, 0); out$knots_floor <- num(rcspline.eval(z, nk = 4, knots.only = TRUE))
b <- rcspline.eval(d$bili, nk = 4, inclx = TRUE); out$basis <- lapply(1:ncol(b), function(j) num(b[, j]))
# nomograms
dd <- datadist(d); options(datadist = "dd")
axes <- function(nom, names) lapply(nom[names], function(a) list(value = if (is.character(a[[1]])) a[[1]] else num(a[[1]]), points = num(a$points)))
ends <- function(nom) list(total = num(nom$total.points$x), lp = num(nom$lp$x), lp_points = num(nom$lp$x.real))
d$event <- as.numeric(d$status > 0)
cx <- cph(Surv(time, event) ~ rcs(bili, 4) + age * sex + stage, d, x = TRUE, y = TRUE, surv = TRUE, eps = 1e-10)
sv <- Survival(cx); nom <- nomogram(cx, fun = list(function(x) sv(60, x)), funlabel = "S60")
names_cx <- setdiff(names(nom), c("total.points", "lp", "S60"))
out$cox <- list(coef = num(coef(cx)), axes = axes(nom, names_cx), ends = ends(nom), lp = num(cx$linear.predictors[1:20]), s60 = num(sv(60, cx$linear.predictors[1:20])))
lg <- lrm(event ~ albumin * sex + rcs(age, 3) + edema, d, eps = 1e-12); nol <- nomogram(lg, fun = plogis, funlabel = "P")
names_lg <- setdiff(names(nol), c("total.points", "lp", "P"))
out$logistic <- list(coef = num(coef(lg)), axes = axes(nol, names_lg), ends = ends(nol), lp = num(lg$linear.predictors[1:20]))
ps <- list(c(0, 1), c(21.93, 96.29), c(-3.2, 7.9), c(0.00013, 0.00027), c(5, 5), c(0, 167.3), c(-1e5, 3e6), c(-7, -2.2))
out$pretty <- lapply(ps, function(r) list(range = r, n10 = pretty(r, 10), n5 = pretty(r, 5)))
cat(toJSON(out, digits = NA, auto_unbox = TRUE, na = "null", dataframe = "columns", pretty = FALSE), file = commandArgs(TRUE)[1])
